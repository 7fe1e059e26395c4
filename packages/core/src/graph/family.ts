import type { JsonObject } from "../model/index.ts";

/**
 * Sizes and switches of one transformer, read from its `config.json`. Optional entries are switches that most
 * families leave off.
 */
export interface TransformerShape {
  readonly vocabularySize: number;
  readonly hiddenSize: number;
  /** Width of the embedding tables, where a projection brings them to the hidden size. Default: hidden size. */
  readonly embeddingSize?: number;
  readonly layers: number;
  readonly heads: number;
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
  /** Rotary positions; each layer attends to everything or to a window, with an angle base of its own. */
  readonly rotary?: {
    readonly base: number;
    readonly localBase: number;
    /** Tokens to each side that a local layer looks at. */
    readonly window: number;
    readonly isLocal: readonly boolean[];
  };
  /** Norms stand before attention and MLP, and once behind the last layer. */
  readonly preNorm?: boolean;
  /** The MLP multiplies an activated half with a plain one; `up` gives both. */
  readonly gated?: boolean;
  /** Linear layers of the encoder have no bias. */
  readonly withoutBias?: boolean;
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
  readonly embeddingNorm: string;
  /** Linear layer from embedding to hidden size, if they differ. */
  readonly projection?: string;
  readonly relativeBias?: string;
  /** Start of the names of layer `number`, from 0. */
  readonly layer: (number: number) => string;
  /** Three names, or one whose rows hold query, key and value in this order. */
  readonly attention:
    | { readonly query: string; readonly key: string; readonly value: string }
    | { readonly joined: string };
  readonly attentionOutput: string;
  /** Pre-norm families: the norm before attention, which layer 0 may lack. */
  readonly attentionNorm: string;
  readonly up: string;
  readonly down: string;
  readonly outputNorm: string;
  readonly finalNorm?: string;
  /** The masked-LM head; full names, without the prefix. */
  readonly head: {
    readonly dense: string;
    readonly norm: string;
    readonly decoder: string;
    /** Names of the decoder bias: first as the head's own, then as the decoder's. */
    readonly bias: readonly string[];
  };
}

/** One transformer family: everything the builder needs to know about it. */
export interface Family {
  /** What transformers calls a checkpoint with a masked-LM head, and one without. */
  readonly maskedLm: string;
  readonly encoder: string;
  readonly names: TensorNames;
  readonly shape: (config: JsonObject, file: string) => TransformerShape;
}
