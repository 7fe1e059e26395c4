/** Forms of a file of texts. */
export const inputFormats = ["lines", "jsonl", "csv", "tsv", "parquet"] as const;

export type InputFormat = (typeof inputFormats)[number];
