import { type JsonObject, setting } from "../../model/index.ts";
import type { Family, TransformerShape } from "../family.ts";
import { deberta } from "./deberta.ts";
import { decoderFamilies } from "./decoders.ts";
import { gemma } from "./gemma.ts";
import { modernBert } from "./modernbert.ts";
import { requireSettings } from "./require-settings.ts";
import { rotaryEncoders } from "./rotary-encoders.ts";

/** Names that BERT and its descendants share. */
const bertLayer = {
  layer: (number: number) => `encoder.layer.${number}.`,
  attention: { query: "attention.self.query", key: "attention.self.key", value: "attention.self.value" },
  attentionOutput: "attention.output.dense",
  attentionNorm: "attention.output.LayerNorm",
  up: "intermediate.dense",
  down: "output.dense",
  outputNorm: "output.LayerNorm",
} as const;

const bertEmbeddings = {
  words: "embeddings.word_embeddings.weight",
  positions: "embeddings.position_embeddings.weight",
  tokenTypes: "embeddings.token_type_embeddings.weight",
  embeddingNorm: "embeddings.LayerNorm",
} as const;

const robertaHead = {
  dense: "lm_head.dense",
  norm: "lm_head.layer_norm",
  decoder: "lm_head.decoder.weight",
  bias: ["lm_head.bias", "lm_head.decoder.bias"],
} as const;

/** Sizes under BERT's keys. Defaults follow BertConfig in transformers. */
function bertShape(config: JsonObject, file: string) {
  // Distances and rotations came with code of their own, under this model type too; so do other layers.
  requireSettings(config, file, {
    position_embedding_type: ["absolute"],
    feed_forward_type: ["original"],
  });
  return {
    vocabularySize: setting(config, "vocab_size", 30522, file),
    hiddenSize: setting(config, "hidden_size", 768, file),
    layers: setting(config, "num_hidden_layers", 12, file),
    heads: setting(config, "num_attention_heads", 12, file),
    intermediateSize: setting(config, "intermediate_size", 3072, file),
    activation: setting(config, "hidden_act", "gelu", file),
    normEpsilon: setting(config, "layer_norm_eps", 1e-12, file),
    positions: { rows: setting(config, "max_position_embeddings", 512, file) },
    tokenTypes: setting(config, "type_vocab_size", 2, file),
    tiedDecoder: setting(config, "tie_word_embeddings", true, file),
  };
}

/** RoBERTa counts positions from behind the padding id and skips padding tokens inside a text. */
function robertaShape(config: JsonObject, file: string): TransformerShape {
  const shape = bertShape(config, file);
  const paddingId = setting(config, "pad_token_id", 1, file);
  return { ...shape, positions: { ...shape.positions, paddingId }, headActivation: "gelu" };
}

const roberta: Omit<Family, "languageModel" | "encoder"> = {
  names: { prefix: "roberta.", ...bertEmbeddings, ...bertLayer, head: robertaHead },
  shape: robertaShape,
};

/** The supported families by `model_type`. A new family is a new entry here. */
export const families: Readonly<Record<string, Family>> = {
  bert: {
    languageModel: "BertForMaskedLM",
    encoder: "BertModel",
    names: {
      prefix: "bert.",
      ...bertEmbeddings,
      ...bertLayer,
      head: {
        dense: "cls.predictions.transform.dense",
        norm: "cls.predictions.transform.LayerNorm",
        decoder: "cls.predictions.decoder.weight",
        bias: ["cls.predictions.bias", "cls.predictions.decoder.bias"],
      },
    },
    shape: bertShape,
  },
  roberta: { languageModel: "RobertaForMaskedLM", encoder: "RobertaModel", ...roberta },
  "xlm-roberta": { languageModel: "XLMRobertaForMaskedLM", encoder: "XLMRobertaModel", ...roberta },
  camembert: { languageModel: "CamembertForMaskedLM", encoder: "CamembertModel", ...roberta },
  distilbert: {
    languageModel: "DistilBertForMaskedLM",
    encoder: "DistilBertModel",
    names: {
      prefix: "distilbert.",
      words: bertEmbeddings.words,
      positions: bertEmbeddings.positions,
      embeddingNorm: bertEmbeddings.embeddingNorm,
      layer: (number) => `transformer.layer.${number}.`,
      attention: { query: "attention.q_lin", key: "attention.k_lin", value: "attention.v_lin" },
      attentionOutput: "attention.out_lin",
      attentionNorm: "sa_layer_norm",
      up: "ffn.lin1",
      down: "ffn.lin2",
      outputNorm: "output_layer_norm",
      head: {
        dense: "vocab_transform",
        norm: "vocab_layer_norm",
        decoder: "vocab_projector.weight",
        bias: ["vocab_projector.bias"],
      },
    },
    shape: (config, file) => ({
      vocabularySize: setting(config, "vocab_size", 30522, file),
      hiddenSize: setting(config, "dim", 768, file),
      layers: setting(config, "n_layers", 6, file),
      heads: setting(config, "n_heads", 12, file),
      intermediateSize: setting(config, "hidden_dim", 3072, file),
      activation: setting(config, "activation", "gelu", file),
      normEpsilon: 1e-12,
      positions: { rows: setting(config, "max_position_embeddings", 512, file) },
      tiedDecoder: setting(config, "tie_word_embeddings", true, file),
    }),
  },
  mpnet: {
    languageModel: "MPNetForMaskedLM",
    encoder: "MPNetModel",
    names: {
      prefix: "mpnet.",
      words: bertEmbeddings.words,
      positions: bertEmbeddings.positions,
      embeddingNorm: bertEmbeddings.embeddingNorm,
      relativeBias: "encoder.relative_attention_bias.weight",
      layer: bertLayer.layer,
      attention: { query: "attention.attn.q", key: "attention.attn.k", value: "attention.attn.v" },
      attentionOutput: "attention.attn.o",
      attentionNorm: "attention.LayerNorm",
      up: bertLayer.up,
      down: bertLayer.down,
      outputNorm: bertLayer.outputNorm,
      head: robertaHead,
    },
    shape: (config, file) => {
      const { tokenTypes: _, ...shape } = bertShape(config, file);
      return {
        ...shape,
        // MPNet's padding id is fixed in its code, whatever the configuration says.
        positions: { ...shape.positions, paddingId: 1 },
        relativeBuckets: setting(config, "relative_attention_num_buckets", 32, file),
        headActivation: "gelu",
      };
    },
  },
  electra: {
    languageModel: "ElectraForMaskedLM",
    encoder: "ElectraModel",
    names: {
      prefix: "electra.",
      ...bertEmbeddings,
      ...bertLayer,
      projection: "embeddings_project",
      head: {
        dense: "generator_predictions.dense",
        norm: "generator_predictions.LayerNorm",
        decoder: "generator_lm_head.weight",
        bias: ["generator_lm_head.bias"],
      },
    },
    shape: (config, file) => {
      const shape = bertShape(config, file);
      const embeddingSize: number = setting<number>(config, "embedding_size", 128, file);
      // Equal sizes need no projection, and a checkpoint has none.
      return {
        ...shape,
        ...(embeddingSize !== shape.hiddenSize && { embeddingSize }),
        headActivation: "gelu",
      };
    },
  },
  albert: {
    languageModel: "AlbertForMaskedLM",
    encoder: "AlbertModel",
    names: {
      prefix: "albert.",
      ...bertEmbeddings,
      projection: "encoder.embedding_hidden_mapping_in",
      // All layers share the weights of one.
      layer: () => "encoder.albert_layer_groups.0.albert_layers.0.",
      attention: { query: "attention.query", key: "attention.key", value: "attention.value" },
      attentionOutput: "attention.dense",
      attentionNorm: "attention.LayerNorm",
      up: "ffn",
      down: "ffn_output",
      outputNorm: "full_layer_layer_norm",
      head: {
        dense: "predictions.dense",
        norm: "predictions.LayerNorm",
        decoder: "predictions.decoder.weight",
        bias: ["predictions.bias", "predictions.decoder.bias"],
      },
    },
    shape: (config, file) => {
      requireSettings(config, file, { num_hidden_groups: [1], inner_group_num: [1] });
      return {
        ...bertShape(config, file),
        activation: setting(config, "hidden_act", "gelu_new", file),
        embeddingSize: setting(config, "embedding_size", 128, file),
      };
    },
  },
  rembert: {
    languageModel: "RemBertForMaskedLM",
    encoder: "RemBertModel",
    names: {
      prefix: "rembert.",
      ...bertEmbeddings,
      ...bertLayer,
      projection: "encoder.embedding_hidden_mapping_in",
      head: {
        dense: "cls.predictions.dense",
        norm: "cls.predictions.LayerNorm",
        decoder: "cls.predictions.decoder.weight",
        bias: ["cls.predictions.decoder.bias"],
      },
    },
    shape: (config, file) => ({
      ...bertShape(config, file),
      vocabularySize: setting(config, "vocab_size", 250_300, file),
      hiddenSize: setting(config, "hidden_size", 1152, file),
      layers: setting(config, "num_hidden_layers", 32, file),
      heads: setting(config, "num_attention_heads", 18, file),
      intermediateSize: setting(config, "intermediate_size", 4608, file),
      embeddingSize: setting(config, "input_embedding_size", 256, file),
      headWidth: setting(config, "output_embedding_size", 1664, file),
      // Input and output embeddings have widths of their own.
      tiedDecoder: false,
    }),
  },
  modernbert: modernBert,
  "deberta-v2": deberta,
  ...rotaryEncoders,
  ...decoderFamilies,
  gemma3_text: gemma,
};
