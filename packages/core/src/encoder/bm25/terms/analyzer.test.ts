import { describe, expect, it } from "vitest";
import { type AnalyzerOptions, analyzerOptions, openAnalyzer } from "./analyzer.ts";
import { languageCodes } from "./language.ts";
import type { TextRole } from "./unspaced-terms.ts";

async function open(options: AnalyzerOptions = {}) {
  const source = await openAnalyzer(options);
  return (text: string, role: TextRole = "document") => {
    const terms: string[] = [];
    for (const _ of source.read(text, (term) => terms.push(term), role));
    return terms;
  };
}

describe("openAnalyzer", () => {
  it("cuts English into stems without stop words", async () => {
    const analyze = await open({ tokens: "bm25s" });
    // Stems: the Snowball project's sample vocabulary of its English (Porter2) stemmer.
    expect(analyze("The consistently CONSIGNED knightly knots, and a x-15's knack!")).toEqual([
      "consist",
      "consign",
      "knight",
      "knot",
      "15",
      "knack",
    ]);
    expect(analyze("")).toEqual([]);
    expect((await open())("The consistently CONSIGNED knightly knots!")).toEqual([
      "consist",
      "consign",
      "knight",
      "knot",
    ]);
  });

  it("stems other languages, and leaves out their stop words", async () => {
    // Snowball's sample vocabularies: German aufeinander, kategorischen; French continuellement; Spanish chicas.
    expect((await open({ language: "de" }))("aufeinander und die kategorischen")).toEqual([
      "aufeinand",
      "kategor",
    ]);
    expect((await open({ language: "fr" }))("continuellement")).toEqual(["continuel"]);
    expect((await open({ language: "es" }))("las chicas")).toEqual(["chic"]);
    expect((await open({ language: "ru" }))("в важная")).toEqual(["важн"]);
  });

  it("leaves words as they are without stemming and stop words", async () => {
    const analyze = await open({ stemming: false, stopWords: ["flows"] });
    expect(analyze("The flows of the FLOWING a")).toEqual(["the", "of", "the", "flowing", "a"]);
  });

  it("takes composed, decomposed and full-width letters for the same", async () => {
    const analyze = await open({ stemming: false });
    expect(analyze("cafe\u0301 café ｃａｆé ca\u00adfé ＧＰＴ－４")).toEqual([
      ...["café", "café", "café", "café"],
      ...["gpt4", "gpt", "4"],
    ]);
  });

  it("cuts scripts without spaces into words", async () => {
    expect((await open({ language: "ja", stopWords: [], tokens: "bm25s" }))("東京へ行く")).toEqual([
      "東京",
      "へ",
      "行く",
    ]);
    expect((await open({ language: "zh", stopWords: [] }))("我爱北京。iPhone手机")).toEqual(
      expect.arrayContaining(["北京", "iphone", "手机"]),
    );
    expect((await open({ language: "th", stopWords: [] }))("ภาษาไทย")).toEqual(["ภาษา", "ไทย"]);
  });

  it("lowers letters by the rules of the language", async () => {
    expect((await open({ language: "tr", stemming: false }))("ISPARTA")).toEqual(["ısparta"]);
  });

  it("takes any text: lone surrogates, emoji, words of a million letters", async () => {
    const analyze = await open();
    expect(analyze("\ud800 👍🏽 \u0000")).toEqual([]);
    const pieces = analyze("running".repeat(100_000));
    // Longer words are cut, as in Lucene's tokenizer.
    expect(pieces).toHaveLength(Math.ceil(700_000 / 255));
    expect(pieces[0]).toBe("running".repeat(100).slice(0, 255));
  });

  it.each(languageCodes)("%s makes terms", async (language) => {
    expect((await open({ language }))("xylophon 12345")).toHaveLength(2);
    expect((await open({ language, stopWords: ["xylophon"] }))("xylophon 12345")).toHaveLength(1);
  });

  it("refuses options of the wrong type", () => {
    const check = (options: unknown) => () => analyzerOptions.check("Bm25Encoder", options);
    expect(check({ stopWords: "the" })).toThrow("stopWords must be an array of strings");
    expect(check({ stemming: 1 })).toThrow("stemming must be");
    expect(check({ language: 1 })).toThrow("language must be one of");
    expect(check({ tokens: "letters" })).toThrow("tokens must be one of words, bm25s, received 'letters'");
  });
});
