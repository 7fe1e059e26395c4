import type { JsonObject } from "./json-file.ts";

/** The kinds of models that can be loaded, by the names that sentence-transformers gives to them. */
export const modelTypes = ["SparseEncoder", "SentenceTransformer", "CrossEncoder"] as const;
export type ModelType = (typeof modelTypes)[number];

/** What a caller can work with: a type of models, or one that gives sparse and dense vectors in one run. */
export type WantedModel = ModelType | "HybridEncoder";

/** A transformer checkpoint: settings, weights and tokenizer lie in one folder. */
export interface TransformerModule {
  readonly kind: "Transformer";
  readonly folder: string;
  /** Its `config.json`, and the path for messages. */
  readonly config: JsonObject;
  readonly configFile: string;
  /** True if the folder asks for lower-casing before the tokenizer's own rules. */
  readonly lowercase: boolean;
  /** Settings that override `tokenizer_config.json`. */
  readonly tokenizerSettings: JsonObject;
  /** False if special tokens are left out. */
  readonly specialTokens: boolean;
  /** Longest input in tokens that the folder asks for; undefined if the folder names none. */
  readonly maxSeqLength: number | undefined;
  /** Longest input in tokens of one task, which comes before `maxSeqLength`; undefined where there is none. */
  readonly taskLengths: TaskLengths;
  /** Which side of a pair of texts is cut. */
  readonly truncation: PairTruncation;
}

/** Ways to cut a pair of texts: the longer one until both fit, or one of them. */
export const pairTruncations = ["longest_first", "only_first", "only_second"] as const;
export type PairTruncation = (typeof pairTruncations)[number];

/** One length in tokens, or none, for plain encode, for queries and for documents. */
export interface TaskLengths {
  readonly plain: number | undefined;
  readonly query: number | undefined;
  readonly document: number | undefined;
}

/** From the scores of all tokens for each vocabulary entry to one score. */
export interface SpladePoolingModule {
  readonly kind: "SpladePooling";
  readonly strategy: "max" | "sum";
  readonly activation: "relu" | "log1p_relu";
  /** True if no file names the module, and the caller wants a sparse encoder. */
  readonly isAssumed?: boolean;
}

/**
 * From each token vector to one number: relu of a linear layer. The weight of a vocabulary entry is the largest number of its
 * tokens. Source: `_sparse_embedding` of FlagEmbedding's M3.
 */
export interface LexicalWeightsModule {
  readonly kind: "LexicalWeights";
  /** The file of the linear layer. It names the module, so it is unique. */
  readonly folder: string;
}

/** From the token vectors of a pair of texts to one number per label. */
export interface ClassifierModule {
  readonly kind: "SequenceClassification";
  readonly labels: number;
}

/** Ways to make one vector of the token vectors of a text. */
export const poolingModes = ["cls", "max", "mean", "mean_sqrt_len", "weightedmean", "lasttoken"] as const;
export type PoolingMode = (typeof poolingModes)[number];

/** From token vectors to one vector; several modes are put side by side. */
export interface PoolingModule {
  readonly kind: "Pooling";
  readonly modes: readonly PoolingMode[];
  /** False if the tokens of the prompt are left out. */
  readonly includePrompt: boolean;
}

/** Scales a vector to length 1. */
export interface NormalizeModule {
  readonly kind: "Normalize";
}

/** A linear layer with activation. */
export interface DenseModule {
  readonly kind: "Dense";
  readonly folder: string;
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly bias: boolean;
  /** As `config.json` names activations. */
  readonly activation: string;
}

/** Random zeros in training; without effect otherwise. */
export interface DropoutModule {
  readonly kind: "Dropout";
}

/** Layer normalisation with weights of its own. */
export interface LayerNormModule {
  readonly kind: "LayerNorm";
  readonly folder: string;
  readonly width: number;
}

/** From a dense vector to a sparse one over learned latents. */
export interface SparseAutoEncoderModule {
  readonly kind: "SparseAutoEncoder";
  readonly folder: string;
  readonly inputSize: number;
  readonly latents: number;
  /** Active dims that it keeps. */
  readonly activeDims: number;
  readonly normalize: boolean;
}

/** One weight per token, without inference. */
export interface SparseStaticEmbeddingModule {
  readonly kind: "SparseStaticEmbedding";
  readonly folder: string;
  readonly lowercase: boolean;
  readonly maxSeqLength: number | undefined;
}

export type ModuleDescription =
  | TransformerModule
  | SpladePoolingModule
  | ClassifierModule
  | LexicalWeightsModule
  | PoolingModule
  | NormalizeModule
  | DenseModule
  | DropoutModule
  | LayerNormModule
  | SparseAutoEncoderModule
  | SparseStaticEmbeddingModule;

/** Modules run one after the other. */
export type Pipeline = readonly ModuleDescription[];

/** What a model folder says about its model. */
export interface ModelDescription {
  /** Absolute path of the folder. */
  readonly folder: string;
  /** As the folder says or its modules imply. */
  readonly modelType: WantedModel;
  /** The pipelines of plain encode, of queries and of documents; the same object where they are the same. */
  readonly routes: { readonly plain: Pipeline; readonly query: Pipeline; readonly document: Pipeline };
  /** Text put in front, by name; `query` and `document` are always there, possibly empty. */
  readonly prompts: Readonly<Record<string, string>>;
  /** The prompt that plain `encode` uses; undefined for none. */
  readonly defaultPromptName: string | undefined;
  /** The similarity function named in the folder, if any; not checked. */
  readonly similarity: string | undefined;
  /** Numbers that are kept from the start of each dense vector; undefined for all. */
  readonly truncateDim: number | undefined;
  /** Class name of the function that a reranker applies to its scores, such as `torch.nn.modules.activation.Sigmoid`. */
  readonly activation: string | undefined;
}
