import type { ArmName, ServerInfo } from "./api-types.ts";

/** What the server has, as far as the page depends on it. */
export interface PageFacts {
  readonly arms: readonly ArmName[];
  /** Names of the sparse models; the first is the model of the index. */
  readonly models: readonly string[];
  /** Bytes of the largest file that the server takes. */
  readonly maxBodyBytes: number;
}

export function factsOf(info: ServerInfo): PageFacts {
  return {
    arms: info.dense_model_id === null ? ["sparse", "keyword"] : ["sparse", "keyword", "dense"],
    models: [info.model_id, ...info.compared_model_ids],
    maxBodyBytes: info.max_body_bytes,
  };
}

/** The end of a model's name, which is a path in many cases. */
export function shortName(model: string): string {
  return (
    model
      .replace(/[\\/]+$/, "")
      .split(/[\\/]/)
      .at(-1) || model
  );
}

/** What the foot of the page says. */
export function factsText({
  model_id,
  compared_model_ids,
  dense_model_id,
  dimension,
  model_dtype,
  version,
}: ServerInfo): string {
  const models = [model_id, ...compared_model_ids, ...(dense_model_id === null ? [] : [dense_model_id])];
  return `${models.join(", ")} · ${dimension.toLocaleString("en")} dims · ${model_dtype} · version ${version}`;
}
