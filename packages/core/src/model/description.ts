import type { JsonObject } from "./json-file.ts";

/** How token scores become one sparse vector. */
export interface SpladePooling {
  readonly strategy: "max" | "sum";
  readonly activation: "relu" | "log1p_relu";
}

/** What a model folder says about its model. */
export interface ModelDescription {
  /** Absolute path of the folder. */
  readonly folder: string;
  /** The transformer's `config.json`, and its path for messages. */
  readonly config: JsonObject;
  readonly configFile: string;
  readonly weightsFile: string;
  readonly tokenizerFile: string;
  readonly pooling: SpladePooling;
  /** Text put in front, by name; `query` and `document` are always there, possibly empty. */
  readonly prompts: Readonly<Record<string, string>>;
  /** The prompt that plain `encode` uses; undefined for none. */
  readonly defaultPromptName: string | undefined;
  /** The similarity function named in the folder, if any; not checked. */
  readonly similarity: string | undefined;
  /** Longest input in tokens that the folder asks for; undefined if it names none. */
  readonly maxSeqLength: number | undefined;
}
