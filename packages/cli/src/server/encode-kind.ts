import type { EncodeTask } from "../encode/encode-tasks.ts";

/** What texts of one encoder call have in common. */
export interface EncodeKind {
  readonly task: EncodeTask;
  readonly prompt?: string | undefined;
  readonly maxActiveDims?: number | undefined;
  readonly normalize?: boolean | undefined;
}

/** A kind as the key of a batch. */
export function kindKey({ task, prompt, maxActiveDims, normalize }: EncodeKind): string {
  return JSON.stringify([task, prompt ?? null, maxActiveDims ?? null, normalize ?? null]);
}

/** The kind of a key, without what was not given. */
export function kindOfKey(key: string): EncodeKind {
  const [task, prompt, maxActiveDims, normalize] = JSON.parse(key) as [
    EncodeTask,
    string | null,
    number | null,
    boolean | null,
  ];
  return {
    task,
    ...(prompt !== null && { prompt }),
    ...(maxActiveDims !== null && { maxActiveDims }),
    ...(normalize !== null && { normalize }),
  };
}
