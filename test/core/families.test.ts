import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { CrossEncoder, DenseEncoder, SparseEncoder, SparseMatrix } from "@sparse-encoder/core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { expectVectors, type GoldenVector, readJson, toMatrix } from "../helpers/golden-data.ts";
import { editJson, type Json } from "../helpers/model-copies.ts";
import { WideOnCpu } from "../helpers/wide-models.ts";

/** What sentence-transformers computed for one model; make_families.py describes how. */
interface FamilyGolden<Vector> {
  readonly max_seq_length: number;
  readonly embedding_dimension: number;
  readonly token_ids: number[][];
  readonly encode: Vector[];
  readonly encode_query?: Vector[];
}

const texts = readJson("fixtures/families/texts.json") as string[];
const folderOf = (name: string) => fileURLToPath(new URL(`../fixtures/families/${name}`, import.meta.url));
const goldenOf = <Vector>(name: string) => readJson(`fixtures/families/${name}.json`) as FamilyGolden<Vector>;

const sparseModels = [
  "deberta-v3",
  "deberta-v2",
  "gte",
  "gte-published",
  "nomic",
  "nomic-published",
  "eurobert",
  "albert-equal-sizes",
  "deberta-untied",
  "gte-silu",
  "modernbert-biases",
  "nomic-ignored",
  "rembert",
  "jina-v3",
  "gemma3",
  "qwen3",
  "qwen3-causal-window",
  "qwen2",
  "llama3",
  "llama-causal-linear",
  "llama-yarn",
  "llama-dynamic",
  "mistral",
  "mistral-causal",
];

describe.each(sparseModels)("the sparse model %s equals sentence-transformers", (name) => {
  const golden = goldenOf<GoldenVector>(name);
  let encoder: SparseEncoder;

  beforeAll(async () => {
    encoder = await SparseEncoder.load(folderOf(name), { workers: 1 });
  });
  afterAll(() => encoder.close());

  it("in token ids, dimension and length", async () => {
    expect((await encoder.tokenize(texts)).map((row) => [...row])).toEqual(golden.token_ids);
    expect(encoder.embeddingDimension).toBe(golden.embedding_dimension);
    expect(encoder.maxSeqLength).toBe(golden.max_seq_length);
  });

  it.each([1, 3, 32])("in vectors at batch size %i", async (batchSize) => {
    expectVectors(await encoder.encode(texts, { batchSize }), golden.encode, texts);
  });

  it("in vectors of queries, and of a text of its own", async () => {
    const expected = golden.encode_query ?? golden.encode.slice(0, 4);
    expectVectors(await encoder.encodeQuery(texts.slice(0, 4)), expected, texts);
    const vector = await encoder.encode(texts[0]!);
    const values = new Map(
      golden.encode[0]!.indices.map((dim, place) => [dim, golden.encode[0]!.values[place]!]),
    );
    for (const [dim, weight] of vector.toMap()) expect(weight).toBeCloseTo(values.get(dim) ?? 0, 4);
  });

  it("in the graph for wide devices", async () => {
    await using wide = await WideOnCpu.open(folderOf(name));
    for (const batchSize of [1, 5]) {
      expectVectors(await wide.encodeSparse(golden.token_ids, batchSize), golden.encode, texts);
    }
  });
});

const denseModels = [
  "qwen3-dense",
  "mistral-dense",
  "deberta-dense",
  "gte-dense",
  "nomic-dense",
  "gemma3-dense",
];

describe.each(denseModels)("the dense model %s equals sentence-transformers", (name) => {
  const golden = goldenOf<number[]>(name);

  it("in token ids and vectors", async () => {
    await using encoder = await DenseEncoder.load(folderOf(name), { workers: 1 });
    expect((await encoder.tokenize(texts)).map((row) => [...row])).toEqual(golden.token_ids);
    for (const batchSize of [1, 4, 32]) {
      const rows = [...(await encoder.encode(texts, { batchSize }))];
      expectRows(rows, golden.encode);
    }
    if (golden.encode_query !== undefined) {
      expectRows([...(await encoder.encodeQuery(texts.slice(0, 4)))], golden.encode_query);
    }
  });
});

function expectRows(actual: readonly Float32Array[], expected: readonly number[][]): void {
  const worst = actual.map((row, place) =>
    Math.max(...row.map((value, dim) => Math.abs(value - expected[place]![dim]!))),
  );
  expect(actual.length).toBe(expected.length);
  expect(Math.max(...worst), JSON.stringify(worst)).toBeLessThanOrEqual(5e-5);
}

describe.each(["qwen3", "llama3", "mistral-causal", "deberta-v3", "gte", "rembert", "gemma3"])(
  "the sparse model %s with int8 weights",
  (name) => {
    it("gives nearly the same vectors", async () => {
      const cacheDir = mkdtempSync(path.join(tmpdir(), "sparse-encoder-families-"));
      await using encoder = await SparseEncoder.load(folderOf(name), { workers: 1, dtype: "int8", cacheDir });
      const expected = toMatrix(goldenOf<GoldenVector>(name).encode, encoder.embeddingDimension);
      const cosines = [...(await encoder.encode(texts))].map((row, place) => {
        const other = expected.row(place);
        return row.dot(other) / Math.sqrt(row.dot(row) * other.dot(other));
      });
      // Rows of 32 numbers with random weights lose more than rows of trained models.
      expect(Math.min(...cosines)).toBeGreaterThan(0.99);
      rmSync(cacheDir, { recursive: true });
    });
  },
);

describe("a text without tokens", () => {
  it("has an empty sparse vector, by itself and in a batch", async () => {
    for (const name of ["qwen3", "qwen2"]) {
      await using encoder = await SparseEncoder.load(folderOf(name), { workers: 1 });
      expect((await encoder.encode("")).indices.length).toBe(0);
      const [empty, other] = [...(await encoder.encode(["", texts[0]!]))];
      expect(empty!.indices.length).toBe(0);
      expectVectors(SparseMatrix.fromRows([other!]), goldenOf<GoldenVector>(name).encode.slice(0, 1));
      await using wide = await WideOnCpu.open(folderOf(name));
      const rows = [...(await wide.encodeSparse([[], goldenOf(name).token_ids[0]!], 2))];
      expect(rows.map((row) => row.indices.length > 0)).toEqual([false, true]);
    }
  });

  it("has zeros as dense vector", async () => {
    await using encoder = await DenseEncoder.load(folderOf("qwen3-dense"), { workers: 1 });
    expect(Math.max(...(await encoder.encode(["", texts[0]!])).row(0).map(Math.abs))).toBe(0);
  });
});

describe("published settings that would give other vectors", () => {
  it.each([
    ["nomic-published", { num_experts: 8 }, /"num_experts": 8 is not supported/],
    ["nomic-published", { activation_function: "gelu" }, /"activation_function": 'gelu'.*'swiglu', 'geglu'/],
    ["nomic-published", { rotary_scaling_factor: 2 }, /"rotary_scaling_factor": 2 is not supported/],
    ["gte-published", { logn_attention_scale: true }, /"logn_attention_scale": true is not supported/],
    ["gte-published", { layer_norm_type: "rms_norm" }, /"layer_norm_type": 'rms_norm' is not supported/],
    ["gte-published", { rope_scaling: { type: "linear2" } }, /by 'linear2'.*Supported: .*ntk/],
    ["gte-published", { rope_scaling: { type: "ntk" } }, /needs "factor" above 0/],
    ["deberta-v3", { pos_att_type: "c2p|p2p" }, /"pos_att_type": 'p2p' is not supported/],
    ["gemma3", { final_logit_softcapping: 30 }, /"final_logit_softcapping": 30 is not supported/],
    ["gemma3", { attn_logit_softcapping: 50 }, /"attn_logit_softcapping": 50 is not supported/],
    ["gemma3", { sliding_window: 0 }, /"sliding_window" must be at least 1, found 0/],
    ["deberta-v3", { embedding_size: 16 }, /"embedding_size": 16 is not supported/],
  ])("of %s, %j, are refused by name", async (name, settings, message) => {
    const folder = mkdtempSync(path.join(tmpdir(), "sparse-encoder-families-"));
    cpSync(folderOf(name), folder, { recursive: true });
    editJson(path.join(folder, "config.json"), (config) => Object.assign(config, settings));
    await expect(SparseEncoder.load(folder)).rejects.toThrow(message);
    rmSync(folder, { recursive: true });
  });
});

describe("decoder-only models that are not supported", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "sparse-encoder-families-"));
    cpSync(folderOf("qwen3"), folder, { recursive: true });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const change = (settings: Json) =>
    editJson(path.join(folder, "config.json"), (config) => Object.assign(config, settings));
  const load = () => SparseEncoder.load(folder, { workers: 1 });

  it("are text generators without modules", async () => {
    rmSync(path.join(folder, "modules.json"));
    rmSync(path.join(folder, "config_sentence_transformers.json"));
    await expect(load()).rejects.toThrow(
      /holds 'Qwen3ForCausalLM', a text generator, and no modules\.json.*SpladePooling/,
    );
    await expect(load()).rejects.toMatchObject({ code: "MODEL_UNSUPPORTED" });
    rmSync(path.join(folder, "sentence_bert_config.json"));
    await expect(CrossEncoder.load(folder)).rejects.toThrow(
      /no classification head.*'Qwen3ForCausalLM'.*Answers that a text generator writes are not read as scores\. .*Qwen3ForSequenceClassification/,
    );
  });

  it("are those without a head of their own or of the word embeddings", async () => {
    change({ tie_word_embeddings: false });
    await expect(load()).rejects.toThrow(/no language-model head \(tensor "lm_head\.weight"\)/);
  });

  it.each([
    [
      { rope_parameters: { rope_type: "longrope", rope_theta: 1e4 } },
      /scales rotary positions by 'longrope'/,
    ],
    [
      { rope_parameters: null, rope_scaling: { type: "su" } },
      /by 'su'.*Supported: default, linear, dynamic, llama3, yarn/,
    ],
    [{ rope_parameters: { rope_type: 7 } }, /scales rotary positions by 7/],
    [
      { rope_parameters: { rope_type: "llama3", factor: 8, low_freq_factor: 1 } },
      /needs "high_freq_factor" above 0/,
    ],
    [{ rope_parameters: { partial_rotary_factor: 0.5 } }, /"partial_rotary_factor": 0\.5 is not supported/],
    [{ num_key_value_heads: 3 }, /3 heads of keys, which do not divide the 4 heads/],
    [{ head_dim: 7 }, /7 numbers per head, which rotary positions cannot turn in pairs/],
    [
      { layer_types: ["full_attention", "linear_attention"] },
      /"layer_types" must name one of full_attention/,
    ],
    [
      { layer_types: ["full_attention", "sliding_attention"] },
      /no "sliding_window" with "use_sliding_window"/,
    ],
    [{ hidden_act: "gegelu" }, /activation function "gegelu" is not supported/],
    [{ model_type: "splade" }, /not supported as a sparse encoder.*fileName/],
  ])("with %j are refused by name", async (settings, message) => {
    change(settings);
    await expect(load()).rejects.toThrow(message);
  });
});
