/** UTF-16 units [start, end) of a text that a token comes from. */
export interface TokenSpan {
  readonly start: number;
  readonly end: number;
}
