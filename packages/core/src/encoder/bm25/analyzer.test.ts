import { describe, expect, it } from "vitest";
import { createAnalyzer } from "./analyzer.ts";
import { languageCodes } from "./language.ts";

describe("createAnalyzer", () => {
  it("cuts English into stems without stop words", () => {
    const analyze = createAnalyzer();
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
  });

  it("stems other languages, and leaves out their stop words", () => {
    // Snowball's sample vocabularies: German aufeinander, kategorischen; French continuellement; Spanish chicas.
    expect(createAnalyzer({ language: "de" })("aufeinander und die kategorischen")).toEqual([
      "aufeinand",
      "kategor",
    ]);
    expect(createAnalyzer({ language: "fr" })("continuellement")).toEqual(["continuel"]);
    expect(createAnalyzer({ language: "es" })("las chicas")).toEqual(["chic"]);
    expect(createAnalyzer({ language: "ru" })("в важная")).toEqual(["важн"]);
  });

  it("leaves words as they are without stemming and stop words", () => {
    const analyze = createAnalyzer({ stemming: false, stopWords: ["flows"] });
    expect(analyze("The flows of the FLOWING a")).toEqual(["the", "of", "the", "flowing"]);
  });

  it("takes composed, decomposed and full-width letters for the same", () => {
    const analyze = createAnalyzer({ stemming: false });
    expect(analyze("cafe\u0301 café ｃａｆé")).toEqual(["café", "café", "café"]);
  });

  it("cuts scripts without spaces into words", () => {
    const analyze = createAnalyzer({ language: "ja", stopWords: [] });
    expect(analyze("東京へ行く")).toEqual(["東京", "へ", "行く"]);
    expect(createAnalyzer({ language: "zh", stopWords: [] })("我爱北京。iPhone手机")).toEqual(
      expect.arrayContaining(["北京", "iphone", "手机"]),
    );
    expect(createAnalyzer({ language: "th", stopWords: [] })("ภาษาไทย")).toEqual(["ภาษา", "ไทย"]);
  });

  it("lowers letters by the rules of the language", () => {
    expect(createAnalyzer({ language: "tr", stemming: false })("ISPARTA")).toEqual(["ısparta"]);
  });

  it("takes any text: lone surrogates, emoji, words of a million letters", () => {
    const analyze = createAnalyzer();
    expect(analyze("\ud800 👍🏽 \u0000")).toEqual([]);
    expect(analyze("running".repeat(100_000))).toEqual(["running".repeat(100_000)]);
  });

  it.each(languageCodes)("%s makes terms", (language) => {
    const analyze = createAnalyzer({ language });
    expect(analyze("xylophon 12345")).toHaveLength(2);
    expect(createAnalyzer({ language, stopWords: ["xylophon"] })("xylophon 12345")).toHaveLength(1);
  });

  it("refuses options of the wrong type", () => {
    expect(() => createAnalyzer({ stopWords: "the" as unknown as string[] })).toThrow(
      "stopWords must be an array of strings",
    );
    expect(() => createAnalyzer({ stemming: 1 as unknown as boolean })).toThrow("stemming must be");
    expect(() => createAnalyzer({ language: 1 as unknown as string })).toThrow("language must be one of");
  });
});
