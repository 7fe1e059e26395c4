import { describe, expect, it } from "vitest";
import { type AnalyzerOptions, openAnalyzer } from "./analyzer.ts";
import type { TextRole } from "./unspaced-terms.ts";

async function termsOf(text: string, options: AnalyzerOptions = {}, role: TextRole = "document") {
  const source = await openAnalyzer(options);
  const terms: string[] = [];
  for (const _ of source.read(text, (term) => terms.push(term), role));
  return terms;
}

describe("words as people type them", () => {
  it.each([
    // Models, programs and languages.
    ["GPT-4", ["gpt4", "gpt", "4"]],
    ["GPT4", ["gpt4", "gpt", "4"]],
    ["C", ["c"]],
    ["C++", ["c++"]],
    ["C#", ["c#"]],
    ["C#/.NET", ["c#", ".net", "net"]],
    ["C++17", ["c++", "17"]],
    ["Objective-C++", ["c++", "object"]],
    ["notepad++", ["notepad++", "notepad"]],
    ["R", ["r"]],
    ["F#", ["f#"]],
    [".NET", [".net", "net"]],
    ["Node.js", ["node.js", "node", "js"]],
    ["ASP.NET", ["asp.net", "asp", "net"]],
    ["Python3.12", ["python3.12", "python3", "python", "3", "12"]],
    ["snake_case", ["snake_case", "snake", "case"]],
    // Numbers, sections and versions.
    ["Section 5.", ["section", "5"]],
    ["7.3.2", ["7.3.2", "7.3"]],
    ["3.14", ["3.14"]],
    [".5", ["0.5"]],
    ["1,000,000", ["1000000"]],
    ["1,234.56", ["1234.56"]],
    ["1,2", ["1", "2"]],
    ["v2.0.1", ["2.0.1", "2.0", "v2.0.1", "v2"]],
    ["192.168.0.1", ["192.168.0.1", "192.168.0", "192.168"]],
    ["2024-11-26", ["2024-11-26", "2024", "11", "26"]],
    ["10:30", ["10:30", "10", "30"]],
    ["24/7", ["24/7", "24", "7"]],
    ["20mg", ["20mg", "20", "mg"]],
    ["2nd", ["2nd"]],
    ["5G", ["5g"]],
    ["2½", ["2", "1/2", "1", "2"]],
    ["१२३", ["123"]],
    // Names of one letter, initials and abbreviations.
    ["vitamin D", ["vitamin", "d"]],
    ["vitamin A deficiency", ["vitamin", "a", "defici"]],
    ["hepatitis C", ["hepat", "c"]],
    ["blood type A+", ["blood", "type", "a+"]],
    ["type 1/2 diabetes", ["type", "1/2", "1", "2", "diabet"]],
    ["U.S.A.", ["usa"]],
    ["N/A", ["n/a", "n"]],
    ["TCP/IP", ["tcp/ip", "tcp", "ip"]],
    ["Ph.D.", ["phd"]],
    ["AT&T", ["at&t"]],
    ["R&D", ["r&d"]],
    ["the IT department", ["it", "depart"]],
    ["type I error", ["type", "i", "error"]],
    // Words with hyphens and apostrophes.
    ["e-mail", ["email", "e", "mail"]],
    ["Wi-Fi", ["wifi", "wi", "fi"]],
    ["COVID-19", ["covid19", "covid", "19"]],
    ["state-of-the-art", ["state", "art"]],
    ["O'Brien's", ["obrien", "brien"]],
    ["the body's", ["bodi"]],
    ["don't", ["don"]],
    ["CO₂", ["co2", "co", "2"]],
    ["Word™", ["word"]],
    // Addresses.
    [
      "jane.doe@example.com",
      ["jane.doe@example.com", "jane.doe", "jane", "doe", "example.com", "exampl", "com"],
    ],
    [
      "https://www.example.com/docs?page=2",
      ["https", "www.example.com", "www", "exampl", "com", "doc", "page", "2"],
    ],
  ])("%s", async (text, terms) => {
    expect(await termsOf(text)).toEqual(terms);
  });

  it("leaves out stop words and pronouns in capitals where they are words", async () => {
    expect(await termsOf("A cat sat. THIS IS A TEST. How do I reset it? I am. If I may")).toEqual([
      "cat",
      "sat",
      "test",
      "how",
      "do",
      "reset",
      "am",
      "may",
    ]);
  });

  it("reads numbers and short words as the language writes them", async () => {
    expect(await termsOf("1.234,56 Euro, 1.000.000 und 3,14 in 7.3.2", { language: "de" })).toEqual([
      ...["1234.56", "euro", "1000000", "3.14", "7.3.2", "7.3"],
    ]);
    expect(await termsOf("l'avion d'aujourd'hui", { language: "fr" })).toEqual(["avion", "aujourd", "hui"]);
  });

  it("takes the forms of a letter for one", async () => {
    expect(await termsOf("الكِتَاب", { language: "ar" })).toEqual(await termsOf("الكتاب", { language: "ar" }));
    expect(await termsOf("کتاب", { language: "fa" })).toEqual(await termsOf("كتاب", { language: "fa" }));
    expect(await termsOf("ΠΌΛΗ πολη", { language: "el" })).toEqual(["πολ", "πολ"]);
  });

  it("gives the terms of a long run as of the whole, in pieces of a few milliseconds", async () => {
    // 6,000 characters in random order, beside the segmenter on all of them at once.
    const characters = [
      ..."床前明月光疑是地上霜举头望低思故乡中华人民共和国今天气很好我们去北京大学看书数据库管理系统",
    ];
    let state = 7;
    let run = "";
    while (run.length < 6000) {
      state = (state * 1103515245 + 12345) % 2 ** 31;
      run += characters[(state >> 8) % characters.length];
    }
    const segmenter = new Intl.Segmenter("zh", { granularity: "word" });
    const whole = Array.from(segmenter.segment(run), ({ segment }) => segment);
    expect(await termsOf(run, { language: "zh", tokens: "bm25s", stopWords: [] })).toEqual(whole);
    const bigrams = Array.from({ length: run.length - 1 }, (_, start) => run.slice(start, start + 2));
    const expected = [...run, ...bigrams, ...whole.filter((word) => word.length > 2)];
    expect((await termsOf(run, { language: "zh", stopWords: [] })).sort()).toEqual(expected.sort());
  });

  it("takes steps that do not grow with the text, whatever it is made of", async () => {
    // The longest step in emitted terms; time is measured in bench.
    const kinds = [
      "字",
      "ก",
      "サ",
      "한",
      "a",
      "a,",
      "a'",
      "c+",
      "1.",
      "👍🏽",
      "\u0301",
      "\0",
      "/",
      " ",
      "a b. ",
    ];
    for (const tokens of ["words", "bm25s"] as const) {
      const source = await openAnalyzer({ tokens });
      for (const kind of kinds) {
        let terms = 0;
        let before = 0;
        let longest = 0;
        let steps = 0;
        const text = kind.repeat(100_000 / kind.length);
        for (const _ of source.read(text, () => terms++, "document")) {
          longest = Math.max(longest, terms - before);
          before = terms;
          steps++;
        }
        expect(longest, `${tokens} ${kind}`).toBeLessThan(1024);
        expect(steps, `${tokens} ${kind}`).toBeGreaterThanOrEqual(4);
      }
    }
  });
});
