import type { Orthography } from "./compound.ts";

/** How words of one language become terms. */
export interface Language {
  /** Name of its Snowball stemmer; undefined where there is none. */
  readonly stemmer?: string | undefined;
  /** Endings that are cut off in place of a stemmer, or before it: the longest that leaves enough of the word. */
  readonly endings?: string | undefined;
  /** Letters that are left of a word when an ending is cut off. Default 3, or 2 in scripts that write vowels as marks. */
  readonly leastLeft?: number | undefined;
  /** True if the stems of the stemmer have stems that are to be taken, so that all forms of a word come to one. */
  readonly repeated?: boolean | undefined;
  /** The stop words: here, or by the name of a list of the package `stopword`. */
  readonly stopWords?: string | undefined;
  readonly stopList?: string | undefined;
}

/** The stop words of Lucene's English analyzer, by which BM25 figures are usually made. */
const english =
  "a an and are as at be but by for if in into is it no not of on or such that the their then there these they this " +
  "to was will with";

// The lists of `stopword` for these have words that people search for (月, 책), or letters in a wrong encoding.
const chinese =
  "的 地 得 了 着 过 和 与 及 或 并 而 但 是 在 也 都 就 又 还 很 这 那 我 你 他 她 它 们 我们 你们 他们 她们 之 其 以 为 于 把 被 从 对 到 由 等 吗 呢 吧 啊";
const japanese =
  "の に は を た が で て と し れ さ も な へ や か だ です ます する した して いる ある こと これ それ この その から まで より ため など よう ない";
const hindi =
  "का के की को में से पर और है हैं था थी थे यह वह ये वे इस उस एक ने भी तो ही जो कि लिए साथ हो गया गई गए रहा रही रहे कर या नहीं अपने";
const korean =
  "그리고 그러나 그래서 하지만 또는 또한 및 등 수 것 그 이 저 를 을 은 는 가 의 에 와 과 도 있다 있는 있습니다 없다 하는";
const urdu =
  "اور کا کی کے کو میں سے پر ہے ہیں تھا تھی تھے یہ وہ اس ان ایک نے بھی تو ہی جو کہ لیے ساتھ ہو گیا گئی گئے رہا رہی رہے کر";

const polish =
  "owie owi ami ach iami iach iemu iego iej emu ego ymi imi ych ich ów iom om iem em ym im ią ie ia io iu ej ą ę y i a e o u";
const ukrainian =
  "ями ами еві ові єві ого його ому йому ими іми ям ам ях ах ів їв ей ий ій их іх им ім ою ею єю ом ем єм ої єї у ю а я о е є и і ї й ь";
const bulgarian = "ищата овете евете ища ите ата ята ото ето ове еве ия ият ът ят та то те а я о е и у";
const greek = "ματων ματοσ ματα ιουσ ιων ουσ εων εισ ησ ασ εσ οσ ων οι ου ια ιο α η ο ι ε υ";
const hindiEndings = "ियाँ ियों ियां ाओं ाएँ ाएं ुओं ों ें ीं ाँ ां ओं एँ ा ी े ो ि ु ू";
const bengali = "গুলোর গুলো গুলির গুলি দেরকে দের টির টিকে টি টার টাকে টা খানা য়ের ের েরা য়ে কে রা তে র য় ে";
const persian = "هایشان هایمان هایتان هایش هایم هایت هایی های ها ترین تر ان ات ی ش م";
const urduEndings = "یوں وں یاں یں ؤں ئیں ات ا ی ے و";
const indonesian = "nyalah nya lah kah pun ku mu kan an i";
const catalan = "cions ments aven ades ada ats ava ant ent ció ment es os ar at er ir it ida a e o i s";
const slovene = "ega emu ami ama imi ih im om em ev ov ah i a e o u";
const swedishArticles = "arna orna erna en et an";
const armenianArticles = "ը ն";
const basqueArticles = "arekin aren ari ak ek a";

/** Languages by ISO 639-1 code. Each finds what people search for in the sentences of `languages.test.ts`. */
const languages: Readonly<Record<string, Language>> = {
  ar: { stemmer: "arabic", stopList: "ara" },
  bg: { endings: bulgarian, stopList: "bul" },
  bn: { endings: bengali, stopList: "ben" },
  ca: { endings: catalan, stopList: "cat" },
  cs: { stemmer: "czech", stopList: "ces" },
  da: { stemmer: "danish", stopList: "dan" },
  de: { stemmer: "german", stopList: "deu" },
  el: { endings: greek, stopList: "ell" },
  en: { stemmer: "english", stopWords: english },
  es: { stemmer: "spanish", stopList: "spa" },
  eu: { endings: basqueArticles, stemmer: "basque", stopList: "eus" },
  fa: { endings: persian, stopList: "fas" },
  fi: { stemmer: "finnish", stopList: "fin" },
  fr: { stemmer: "french", stopList: "fra" },
  ga: { stemmer: "irish", stopList: "gle" },
  he: { stopList: "heb" },
  hi: { endings: hindiEndings, stopWords: hindi },
  hu: { stemmer: "hungarian", repeated: true, stopList: "hun" },
  hy: { endings: armenianArticles, stemmer: "armenian", stopList: "hye" },
  id: { endings: indonesian, leastLeft: 4, stopList: "ind" },
  it: { stemmer: "italian", stopList: "ita" },
  ja: { stopWords: japanese },
  ko: { stopWords: korean },
  nl: { stemmer: "dutch", stopList: "nld" },
  no: { stemmer: "norwegian", stopList: "nob" },
  pl: { endings: polish, stopList: "pol" },
  pt: { stemmer: "portuguese", stopList: "por" },
  ro: { stemmer: "romanian", repeated: true, stopList: "ron" },
  ru: { stemmer: "russian", stopList: "rus" },
  sl: { endings: slovene, stopList: "slv" },
  sv: { endings: swedishArticles, stemmer: "swedish", stopList: "swe" },
  ta: { stemmer: "tamil", repeated: true },
  th: { stopList: "tha" },
  tr: { stemmer: "turkish", stopList: "tur" },
  uk: { endings: ukrainian, stopList: "ukr" },
  ur: { endings: urduEndings, leastLeft: 2, stopWords: urdu },
  vi: { stopList: "vie" },
  zh: { stopWords: chinese },
};

/** Languages that write a decimal comma. */
const decimalComma = new Set(
  "bg ca cs da de el es eu fi fr hu hy id it nl no pl pt ro ru sl sv tr uk vi".split(" "),
);

/** Languages whose short words end in an apostrophe, with no blank behind. */
const eliding = new Set(["ca", "fr", "ga", "it"]);

/** Codes of the languages there are. */
export const languageCodes: readonly string[] = Object.keys(languages);

/** The language of an ISO 639-1 code; undefined if it is not among {@link languageCodes}. */
export function languageOf(code: string): Language | undefined {
  return Object.hasOwn(languages, code) ? languages[code] : undefined;
}

/** How a language writes numbers and short words. */
export function orthographyOf(code: string): Orthography {
  return { decimal: decimalComma.has(code) ? "," : ".", elision: eliding.has(code) };
}
