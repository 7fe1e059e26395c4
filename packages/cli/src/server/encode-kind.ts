import type { EncodeTask } from "../encode/encode-tasks.ts";

/** What texts of one encoder call have in common. */
export interface EncodeKind {
  readonly task: EncodeTask;
  /** Text before each text, in place of the model's prompt. */
  readonly prompt?: string | undefined;
  /** Name of a prompt of the model. */
  readonly promptName?: string | undefined;
  readonly maxActiveDims?: number | undefined;
  readonly normalize?: boolean | undefined;
}

/** Fields of a kind, in the order of its key. */
const fields = ["task", "prompt", "promptName", "maxActiveDims", "normalize"] as const;

/** A kind as the key of a batch. */
export function kindKey(kind: EncodeKind): string {
  return JSON.stringify(fields.map((field) => kind[field] ?? null));
}

/** The kind of a key, without what was not given. */
export function kindOfKey(key: string): EncodeKind {
  const values = JSON.parse(key) as unknown[];
  const given = fields.map((field, place) => [field, values[place]] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== null)) as EncodeKind & object;
}
