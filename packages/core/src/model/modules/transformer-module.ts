import path from "node:path";
import { received, SparseEncoderError } from "../../errors.ts";
import { type PairTruncation, pairTruncations, type TransformerModule } from "../description.ts";
import { isJsonObject, type JsonObject, readJsonObject, setting } from "../json-file.ts";
import { type ModuleSettings, readFirstSettings, refuseSettings } from "./module-settings.ts";

/** Where sentence-transformers keeps the settings of a `Transformer` module. The first file that is there counts. */
export const transformerSettingsFiles: readonly string[] = [
  "sentence_bert_config.json",
  "sentence_roberta_config.json",
  "sentence_distilbert_config.json",
  "sentence_camembert_config.json",
  "sentence_albert_config.json",
  "sentence_xlm-roberta_config.json",
];

/** Settings of loading that have no effect on the vectors, beyond the number format, which is always float32 here. */
const loadingSettings = [
  "add_pooling_layer",
  "attn_implementation",
  "cache_dir",
  "device_map",
  "dtype",
  "local_files_only",
  "low_cpu_mem_usage",
  "revision",
  "token",
  "torch_dtype",
  "trust_remote_code",
  "use_auth_token",
  "use_safetensors",
];

/**
 * Reads a `Transformer` module: a checkpoint, and the settings that sentence-transformers keeps beside it.
 *
 * @param reads what the model takes; default single texts
 */
export async function readTransformer(
  { folder }: { readonly folder: string },
  reads: "texts" | "pairs" = "texts",
): Promise<TransformerModule> {
  const configFile = path.join(folder, "config.json");
  const stored = await readJsonObject(configFile);
  if (stored === undefined) throw await noCheckpoint(folder);
  const settings = await readFirstSettings(folder, transformerSettingsFiles);
  const { json, file } = settings;
  checkSettings(settings, reads);
  const tokenizerSettings = keywords(settings, "tokenizer_args", "processor_kwargs");
  const config = { ...stored, ...keywords(settings, "config_args", "config_kwargs") };
  const text = textSettings(settings, reads);
  const optional = (key: string) => setting(json, key, 0, file) || undefined;
  const positions = setting(config, "max_position_embeddings", 0, configFile);
  const asked =
    setting(tokenizerSettings, "model_max_length", 0, file) ||
    setting(json, "max_seq_length", 0, file) ||
    (await readModelMaxLength(folder));
  const lengths = [asked, positions].filter((length) => length > 0);
  return {
    kind: "Transformer",
    folder,
    config,
    configFile,
    lowercase: setting(json, "do_lower_case", false, file),
    tokenizerSettings,
    specialTokens: text.specialTokens,
    maxSeqLength: lengths.length === 0 ? undefined : Math.min(...lengths),
    taskLengths: {
      plain: text.length,
      query: text.length ?? optional("query_length"),
      document: text.length ?? optional("document_length"),
    },
    truncation: text.truncation,
  };
}

/** `model_max_length` of the tokenizer; 0 if the tokenizer names none. */
export async function readModelMaxLength(folder: string): Promise<number> {
  const { file, json } = await readFirstSettings(folder, ["tokenizer_config.json"]);
  const length = setting(json, "model_max_length", 0, file);
  // Tokenizers without a limit store 10^30.
  return Number.isSafeInteger(length) ? length : 0;
}

async function noCheckpoint(folder: string): Promise<SparseEncoderError> {
  const adapterFile = path.join(folder, "adapter_config.json");
  const adapter = await readJsonObject(adapterFile).catch((): JsonObject => ({}));
  if (adapter === undefined) {
    return new SparseEncoderError(
      "MODEL_NOT_FOUND",
      `${folder} holds no model: config.json is missing. A model folder needs config.json, weights and a tokenizer.`,
    );
  }
  const base = adapter.base_model_name_or_path;
  return new SparseEncoderError(
    "MODEL_UNSUPPORTED",
    `${folder} holds an adapter of ${typeof base === "string" && base !== "" ? received(base) : "another model"} (adapter_config.json), not a whole model. Merge the adapter into that model in Python with merge_and_unload() of peft, save the result, and load its folder.`,
  );
}

/** Refuses what would change the vectors and is not supported. */
function checkSettings(settings: ModuleSettings, reads: "texts" | "pairs"): void {
  refuseSettings(settings, {
    transformer_task: reads === "pairs" ? ["sequence-classification"] : ["feature-extraction", "fill-mask"],
    query_expansion: [],
    tokenizer_name_or_path: [],
  });
  const model = keywords(settings, "model_args", "model_kwargs");
  const others = Object.keys(model).filter((key) => !loadingSettings.includes(key));
  const { json, file } = settings;
  if (others.length > 0) {
    const name = isJsonObject(json.model_args) ? "model_args" : "model_kwargs";
    throw new SparseEncoderError(
      "MODEL_UNSUPPORTED",
      `${file}: ${received(others[0])} in "${name}" is not supported.`,
    );
  }
}

/** Named arguments that the reference passes on, under their older or their newer name. */
function keywords({ json, file }: ModuleSettings, older: string, newer: string): JsonObject {
  const name = Object.hasOwn(json, older) ? older : newer;
  const value = json[name] ?? {};
  if (isJsonObject(value)) return value;
  throw new SparseEncoderError("MODEL_INVALID", `${file}: "${name}" must map names to values.`);
}

/**
 * What `processing_kwargs` says about the tokens of a text: their greatest number, whether special ones are added, and which
 * text of a pair is cut.
 */
function textSettings(
  { json, file }: ModuleSettings,
  reads: "texts" | "pairs",
): {
  readonly length: number | undefined;
  readonly specialTokens: boolean;
  readonly truncation: PairTruncation;
} {
  const processing = json.processing_kwargs ?? {};
  if (!isJsonObject(processing)) {
    throw new SparseEncoderError("MODEL_INVALID", `${file}: "processing_kwargs" must map names to settings.`);
  }
  const { text = {}, common = {} } = processing;
  const merged = { ...(isJsonObject(text) ? text : {}), ...(isJsonObject(common) ? common : {}) };
  const supported = [
    "max_length",
    "add_special_tokens",
    "truncation",
    "padding",
    "pad_to_multiple_of",
    "return_tensors",
  ];
  const other = Object.keys(merged).find((key) => !supported.includes(key));
  if (other !== undefined) {
    throw new SparseEncoderError(
      "MODEL_UNSUPPORTED",
      `${file}: ${received(other)} in "processing_kwargs" is not supported. Supported: ${supported.join(", ")}.`,
    );
  }
  const strategies = reads === "pairs" ? pairTruncations : ["longest_first", "only_first"];
  refuseSettings({ json: merged, file }, { truncation: [true, ...strategies] });
  return {
    length: setting(merged, "max_length", 0, file) || undefined,
    specialTokens: setting(merged, "add_special_tokens", true, file),
    truncation: pairTruncations.find((name) => name === merged.truncation) ?? "longest_first",
  };
}
