/** How a language writes numbers and short words. */
export interface Orthography {
  /** Sign before the decimals of a number. */
  readonly decimal: "." | ",";
  /** True if a letter before an apostrophe is a word of its own, as in `l'avion`; false if it belongs to the name `O'Brien`. */
  readonly elision: boolean;
}

/** Takes a term. `word` tells whether it is a word of the language, which may be a stop word and has a stem. */
export type EmitTerm = (term: string, word: boolean) => void;

/** Signs that join the parts of a word, the loosest first: a compound is cut at the first of them that it has. */
const joints = ["@", "/", ":", ",", "&", "-", ".", "'", "_"] as const;

type Joint = (typeof joints)[number];

/** Parts of a dotted number that each give a term with the parts before it: `7.3` and `7.3.2`. */
const mostSections = 8;

/** Parts of a compound that is also kept whole; longer ones are lists and paths. */
const mostParts = 6;

const digits = /^\p{Nd}+$/u;
const letters = /^[\p{L}\p{M}]+$/u;
const grouped = /^\d{1,3}(?:[.,]\d{2,3})*[.,]\d{3}$/;
const version = /^\p{L}?\d+$/u;
const wordThenNumber = /^([\p{L}\p{M}]{2,})(\p{Nd}+)$/u;
const numberThenUnit = /^(\p{Nd}+)([\p{L}\p{M}]{2,})$/u;
const ordinal = /^(?:st|nd|rd|th)$/;

/**
 * The terms of a word with signs or digits in it, in lower case: the whole, as people write it, and those parts that people
 * search for. `gpt-4` gives `gpt4`, `gpt` and `4`; `7.3.2` gives `7.3.2` and `7.3`; `u.s.a` gives `usa`.
 */
export function compoundTerms(compound: string, orthography: Orthography, emit: EmitTerm): void {
  const text = compound.replace(/[’＇]/g, "'").replace(/[‐‑]/g, "-").replace(/⁄/g, "/");
  if (!text.startsWith(".")) {
    cut(text, orthography, emit);
  } else if (digits.test(text.slice(1))) {
    emit(`0${text}`, false);
  } else {
    // A name such as .NET.
    emit(/^\.[^.@/:,&'-]*/.exec(text)![0], false);
    cut(text.slice(1), orthography, emit);
  }
}

function cut(text: string, orthography: Orthography, emit: EmitTerm): void {
  const end = /[+#]+$/.exec(text);
  const joint = joints.find((sign) => text.includes(sign));
  if (end !== null) {
    signed(text.slice(0, end.index), end[0], orthography, emit);
  } else if (joint === undefined) {
    plain(text, emit);
  } else {
    const parts = text.split(joint).filter((part) => part !== "");
    const number = numberOf(text, joint, orthography);
    if (parts.length === 1) cut(parts[0]!, orthography, emit);
    else if (number !== undefined) emit(number, false);
    else for (const part of wholes[joint](parts, emit, orthography)) cut(part, orthography, emit);
  }
}

/** C++, C#, A+: the sign belongs to the last part, and a part of one letter is nothing without it. */
function signed(base: string, sign: string, orthography: Orthography, emit: EmitTerm): void {
  const last = /[^@/:,&.'-]*$/.exec(base)![0];
  emit(last + sign, false);
  const rest = last.length > 1 ? base : base.slice(0, -last.length - 1);
  if (rest !== "") cut(rest, orthography, emit);
}

/** A word without signs: what digits and letters meet in is kept whole, and each of the two. */
function plain(text: string, emit: EmitTerm): void {
  emit(text, true);
  const [, first, second] = wordThenNumber.exec(text) ?? numberThenUnit.exec(text) ?? [];
  if (first === undefined || second === undefined || ordinal.test(second)) return;
  emit(first, true);
  emit(second, true);
}

/** A number with thousands apart or with a decimal comma, as it is written without the one and with a point. */
function numberOf(text: string, joint: Joint, { decimal }: Orthography): string | undefined {
  if (joint === "," && decimal === ".") {
    const [whole, decimals] = text.split(".", 2) as [string, string?];
    if (!grouped.test(whole) || whole.includes(".")) return undefined;
    const plain = whole.replaceAll(",", "");
    if (decimals === undefined) return plain;
    return digits.test(decimals) && text.split(".").length === 2 ? `${plain}.${decimals}` : undefined;
  }
  if (decimal !== ",") return undefined;
  if (joint === ",") {
    const [whole, decimals, ...further] = text.split(",") as [string, string, ...string[]];
    if (further.length > 0 || !digits.test(decimals)) return undefined;
    if (!digits.test(whole) && !(grouped.test(whole) && !whole.includes(","))) return undefined;
    return `${whole.replaceAll(".", "")}.${decimals}`;
  }
  return joint === "." && grouped.test(text) ? text.replaceAll(".", "") : undefined;
}

/** For each sign: gives the whole as a term, if it is one, and returns the parts that are terms as well. */
const wholes: Readonly<
  Record<Joint, (parts: readonly string[], emit: EmitTerm, orthography: Orthography) => readonly string[]>
> = {
  "@": (parts, emit) => {
    if (parts.length === 2 && parts[1]!.includes(".")) emit(parts.join("@"), false);
    return parts;
  },
  "/": (parts, emit) => {
    if (parts.length <= 3 && parts.every((part) => /^[^.,:&'@-]{1,4}$/.test(part)))
      emit(parts.join("/"), false);
    return parts;
  },
  ":": (parts, emit) => {
    if (parts.length <= mostParts && parts.every((part) => digits.test(part))) emit(parts.join(":"), false);
    return parts;
  },
  ",": (parts) => parts,
  "&": (parts, emit) => {
    if (parts.length <= mostParts) emit(parts.join("&"), false);
    return parts.filter((part) => part.length > 1);
  },
  "-": (parts, emit) => {
    if (parts.length <= mostParts) hyphenated(parts, emit);
    return parts;
  },
  ".": dotted,
  "'": (parts, emit, { elision }) => {
    const named = parts.at(-1) === "s" ? parts.slice(0, -1) : parts;
    const [first, second] = named as [string, string];
    if (!elision && named.length === 2 && first.length === 1 && second.length > 2) emit(first + second, true);
    return parts.filter((part) => part.length > 1);
  },
  _: (parts, emit) => {
    if (parts.length <= mostParts) emit(parts.join("_"), false);
    return parts.filter((part) => part.length > 1);
  },
};

/** `gpt-4` and `e-mail` are also written `gpt4` and `email`; between two numbers the hyphen stays. */
function hyphenated(parts: readonly string[], emit: EmitTerm): void {
  const meet = parts.some((part, at) => at > 0 && /\p{Nd}$/u.test(parts[at - 1]!) && /^\p{Nd}/u.test(part));
  const word = parts.every((part) => letters.test(part));
  if (meet) emit(parts.join("-"), false);
  else if (!word || parts.length === 2) emit(parts.join(""), word);
}

function dotted(parts: readonly string[], emit: EmitTerm): readonly string[] {
  if (version.test(parts[0]!) && parts.slice(1).every((part) => digits.test(part))) {
    const number = parts[0]!.replace(/^\p{L}/u, "");
    const sections = [number, ...parts.slice(1, mostSections)];
    for (let count = sections.length; count > 1; count--) emit(sections.slice(0, count).join("."), false);
    if (number === parts[0]) return [];
    emit(parts.join("."), false);
    return [parts[0]!];
  }
  const abbreviated = parts.every((part) => letters.test(part) && part.length <= 3);
  if (abbreviated && parts.some((part) => part.length === 1)) {
    emit(parts.join(""), false);
    return [];
  }
  if (parts.length <= mostParts) emit(parts.join("."), false);
  return parts;
}
