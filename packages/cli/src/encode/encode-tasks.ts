/** Which encode method is used, and with it which prompt. */
export const encodeTasks = ["document", "query", "plain"] as const;

export type EncodeTask = (typeof encodeTasks)[number];
