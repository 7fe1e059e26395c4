import { setImmediate } from "node:timers/promises";
import type { CondensedRun, Condenser } from "./text-condenser.ts";

/** UTF-16 units that are looked at without a pause: about a millisecond of this thread. */
const unitsPerTurn = 1 << 16;

/**
 * Reads a long text from one of its ends, as far as it is asked to, without the characters that change no token. However long
 * the text is, only what was read takes memory.
 */
export class TextReader {
  private readonly text: string;
  private readonly run: CondensedRun | undefined;
  private readonly fromEnd: boolean;
  /** What was read and not consumed. */
  private content = "";
  /** Units of the text that were looked at. */
  private position = 0;

  constructor(text: string, condenser: Condenser | undefined, fromEnd: boolean) {
    this.text = text;
    this.run = condenser?.begin();
    this.fromEnd = fromEnd;
  }

  /** At least `size` units that were not consumed yet, or all that are left: the next ones, or the last ones from the end. */
  async read(size: number): Promise<string> {
    while (this.content.length < size && this.position < this.text.length) {
      const units = Math.min(
        unitsPerTurn,
        this.run === undefined ? size - this.content.length : unitsPerTurn,
      );
      const before = this.position;
      this.take(units, size);
      if (this.position - before >= unitsPerTurn) await setImmediate();
    }
    return this.content;
  }

  /**
   * Looks at further units until the rest is a multiple of `period`, and gives what `read` would: so a run of the
   * same characters is cut where its tokens, which have a few characters each, are likely to start.
   */
  async readToPeriod(period: number): Promise<string> {
    const units = (this.text.length - this.position) % period;
    if (units > 0) this.take(units, Number.POSITIVE_INFINITY);
    return this.content;
  }

  /** True if `read` has given everything that is left. */
  get isAtEnd(): boolean {
    return this.position >= this.text.length;
  }

  /** Goes on behind the next `length` units, or before the last ones. */
  consume(length: number): void {
    this.content = this.fromEnd
      ? this.content.slice(0, this.content.length - length)
      : this.content.slice(length);
  }

  /** Looks at the next units, and keeps what counts of them, until the content has `size` of them. */
  private take(units: number, size: number): void {
    const { text, run, fromEnd } = this;
    const parts: string[] = [];
    let kept = this.content.length;
    let open = this.position;
    const end = Math.min(text.length, this.position + units);
    const keep = (until: number) => {
      if (until > open)
        parts.push(fromEnd ? text.slice(text.length - until, text.length - open) : text.slice(open, until));
    };
    let at = this.position;
    while (at < end && kept < size) {
      const code = this.codeAt(at);
      const width = code > 0xffff ? 2 : 1;
      if (run === undefined || run.keeps(code)) kept += width;
      else {
        keep(at);
        open = at + width;
      }
      at += width;
    }
    keep(at);
    this.position = at;
    this.content = fromEnd ? parts.reverse().join("") + this.content : this.content + parts.join("");
  }

  /** The character `at` units from the start, or from the end. */
  private codeAt(at: number): number {
    const { text, fromEnd } = this;
    if (!fromEnd) return text.codePointAt(at)!;
    const last = text.length - 1 - at;
    const isPair =
      last > 0 &&
      (text.charCodeAt(last) & 0xfc00) === 0xdc00 &&
      (text.charCodeAt(last - 1) & 0xfc00) === 0xd800;
    return isPair ? text.codePointAt(last - 1)! : text.charCodeAt(last);
  }
}
