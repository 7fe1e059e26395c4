/** What was looked at, and what was found. */
export interface Check {
  readonly name: string;
  /** `missing` is for what only some uses need. */
  readonly state: "ok" | "missing" | "failed";
  readonly found: string;
  /** What to do, where something is to be done. */
  readonly advice?: string | undefined;
}
