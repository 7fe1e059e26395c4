import type { JsonObject } from "../model/index.ts";

/** Rates at which the places turn queries and keys, and what cosines and sines are multiplied by. */
export interface RotaryRates {
  /** Tells the rates of one graph apart. */
  readonly label: "global" | "local";
  /** Radians per place, one per pair of numbers of a head. */
  readonly rates: Float32Array;
  /** Default 1. */
  readonly scale?: number;
}

/** Which linear layers of the encoder have a bias. Default: all. */
export interface LayerBiases {
  /** Query, key and value. */
  readonly attention: boolean;
  readonly attentionOutput: boolean;
  /** The first layer of the MLP and its gate. */
  readonly up: boolean;
  readonly down: boolean;
}

/** Attention between contents and distances, as DeBERTa has it. */
export interface Disentangled {
  /** Scores are divided by the root of head size times this number. */
  readonly scaledBy: number;
  /** False if distances take no part, whatever else is said. */
  readonly isOn: boolean;
  /** The content of a query with the distance of a key, and the other way round. */
  readonly toPositions: boolean;
  readonly fromPositions: boolean;
  /** The farthest distance that is told from farther ones. */
  readonly reach: number;
  /** Buckets of distances per direction; 0 for a row per distance. */
  readonly buckets: number;
  /** Distances are projected by the layers of queries and keys. */
  readonly sharesProjections: boolean;
  /** The table of distances is normed. */
  readonly normed: boolean;
}

/** A convolution over the embeddings, added behind the first layer. */
export interface Convolution {
  /** Tokens that are seen at once. */
  readonly kernel: number;
  readonly groups: number;
  readonly activation: string;
}

/**
 * Sizes and switches of one transformer, read from its `config.json`. Optional entries are switches that most
 * families leave off.
 */
export interface TransformerShape {
  readonly vocabularySize: number;
  readonly hiddenSize: number;
  /** Width of the embedding tables, which a projection brings to the hidden size, equal or not. Default: hidden size, no projection. */
  readonly embeddingSize?: number;
  /** Word embeddings are multiplied by this number. Default 1. */
  readonly embeddingScale?: number;
  /** Width of the tokens before the decoder of the masked-LM head. Default: width of the embedding tables. */
  readonly headWidth?: number;
  readonly layers: number;
  readonly heads: number;
  /** Heads of keys and values, each shared by as many heads of queries. Default: `heads`. */
  readonly keyHeads?: number;
  /** Numbers per head. Default: hidden size / heads. */
  readonly headSize?: number;
  readonly intermediateSize: number;
  readonly activation: string;
  readonly normEpsilon: number;
  /** Learned positions: rows of the table, and the id whose positions are not counted, if numbering skips it. */
  readonly positions?: { readonly rows: number; readonly paddingId?: number };
  /** Longest input where there is no position table. */
  readonly longestInput?: number;
  /** Rows of the token type table. */
  readonly tokenTypes?: number;
  /** Bias shared by all layers that depends on the distance of two tokens: number of buckets. */
  readonly relativeBuckets?: number;
  readonly disentangled?: Disentangled;
  readonly convolution?: Convolution;
  /** Rotary positions, and the ones of local layers if they differ. */
  readonly rotary?: { readonly global: RotaryRates; readonly local?: RotaryRates };
  /** Layers that look at a window only: how many tokens before and after each token. */
  readonly local?: { readonly before: number; readonly after: number; readonly layers: readonly boolean[] };
  /** Each token attends to itself and the tokens before it only. */
  readonly causal?: boolean;
  /** Queries and keys are normed per head. */
  readonly normedHeads?: boolean;
  /** Norms stand before attention and MLP, and once behind the last layer. */
  readonly preNorm?: boolean;
  /** The first layer has no norm before attention, since it follows the norm of the embeddings. */
  readonly withoutFirstNorm?: boolean;
  /** Norms divide by the root mean square and have factors only. */
  readonly rootMeanSquare?: boolean;
  /** Factors of norms are stored less 1. */
  readonly normFactorsLessOne?: boolean;
  /** Scores are divided by the root of this number. Default: numbers per head. */
  readonly scoreDivisor?: number;
  /**
   * The MLP multiplies an activated half with a plain one. `joined`: both are rows of `up`, the activated half first or
   * second; `apart`: the activated half is the linear layer `gate`.
   */
  readonly gated?: "joined" | "joined-second" | "apart";
  readonly biases?: LayerBiases;
  /** Norms have no bias. */
  readonly withoutNormBias?: boolean;
  /** Activation of the masked-LM head, where the layers have another one. */
  readonly headActivation?: string;
  /** The dense layer of the masked-LM head has no bias. */
  readonly withoutHeadBias?: boolean;
  /** The decoder of the masked-LM head has no bias. */
  readonly withoutDecoderBias?: boolean;
  /** The decoder of the masked-LM head shares the word embeddings, unless the checkpoint stores one of its own. */
  readonly tiedDecoder: boolean;
}

/** Where a family keeps its tensors. A linear layer or norm is named without `.weight` and `.bias`. */
export interface TensorNames {
  /** What precedes the encoder's names in a checkpoint with a head; absent in one without. */
  readonly prefix: string;
  readonly words: string;
  readonly positions?: string;
  readonly tokenTypes?: string;
  /** Absent if embeddings are not normed. */
  readonly embeddingNorm?: string;
  /** Linear layer from embedding to hidden size, if they differ. */
  readonly projection?: string;
  readonly relativeBias?: string;
  /** Start of the names of layer `number`, from 0. */
  readonly layer: (number: number) => string;
  /** Three names, or one whose rows hold query, key and value in this order. */
  readonly attention:
    | { readonly query: string; readonly key: string; readonly value: string }
    | { readonly joined: string };
  /** Norms of the queries and keys of each head. */
  readonly headNorms?: { readonly query: string; readonly key: string };
  /** The table of distances with its norm, below the encoder, and the linear layers of a layer for them. */
  readonly distances?: {
    readonly table: string;
    readonly norm: string;
    readonly query: string;
    readonly key: string;
  };
  readonly convolution?: { readonly layer: string; readonly norm: string };
  readonly attentionOutput: string;
  /** Pre-norm families: the norm before attention, which layer 0 may lack. */
  readonly attentionNorm: string;
  readonly up: string;
  /** The activated half of a gated MLP, where it is a layer of its own. */
  readonly gate?: string;
  readonly down: string;
  readonly outputNorm: string;
  /** Norms behind attention and MLP of pre-norm families, before the sums, where a family has them. */
  readonly addedNorms?: { readonly attention: string; readonly output: string };
  readonly finalNorm?: string;
  /** The language-model head; full names, without the prefix. A head of decoder-only models has the decoder only. */
  readonly head: {
    readonly dense?: string;
    readonly norm?: string;
    readonly decoder: string;
    /** Names of the decoder bias: first as the head's own, then as the decoder's. */
    readonly bias: readonly string[];
  };
}

/** One transformer family: everything the builder needs to know about it. */
export interface Family {
  /** What transformers calls a checkpoint with a language-model head, and one without. */
  readonly languageModel: string;
  readonly encoder: string;
  /** True for decoder-only families, whose checkpoints are text generators unless their modules say otherwise. */
  readonly generatesText?: boolean;
  readonly names: TensorNames;
  /** The names of a checkpoint whose `config.json` asks for others. Default: `names`. */
  readonly variant?: (config: JsonObject, file: string) => TensorNames;
  readonly shape: (config: JsonObject, file: string) => TransformerShape;
}
