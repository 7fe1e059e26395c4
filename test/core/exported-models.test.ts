import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { DenseEncoder, SparseEncoder } from "@sparse-encoder/core";
import { afterAll, describe, expect, it } from "vitest";
import { OnnxGraph, type Value } from "../../packages/core/src/graph/onnx/onnx-graph.ts";
import { goldenModelFolder } from "../helpers/golden-data.ts";
import { copyModel, editJson, writeJson } from "../helpers/model-copies.ts";

const root = mkdtempSync(path.join(tmpdir(), "sparse-encoder-exports-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const texts = ["the weather is lovely today", "he drove to the stadium", "rain"];
const vocabulary = 1500;
const width = 4;

/** Row `id` of the table is (id mod 7 - 3, id mod 5 - 2, id mod 3 - 1, 1). */
const rowOf = (id: number) => [(id % 7) - 3, (id % 5) - 2, (id % 3) - 1, 1];

interface ExportOptions {
  readonly output: string;
  readonly inputType?: "int32" | "int64";
  readonly outputType?: "float32" | "float16" | "int64";
  readonly batch?: number;
  readonly length?: number;
  readonly operators?: number;
  readonly through?: (graph: OnnxGraph, states: Value) => { value: Value; shape?: (number | string)[] };
}

/** An ONNX file whose token vectors are the rows of the table, or what `through` makes of them. */
function exported(options: ExportOptions): Uint8Array {
  const {
    output,
    inputType = "int64",
    outputType = "float32",
    batch = "batch",
    length = "sequence",
  } = options;
  const graph = new OnnxGraph("", options.operators ?? 20);
  const ids = graph.input("input_ids", inputType, [batch, length]);
  graph.input("attention_mask", inputType, [batch, length]);
  const table = Array.from({ length: vocabulary }, (_, id) => rowOf(id)).flat();
  const rows = graph.op("Reshape", [
    graph.vector("table", Float32Array.from(table)),
    graph.integers(vocabulary, width),
  ]);
  const states = graph.op("Gather", [rows, ids]);
  const { value, shape = [batch, length, width] } = options.through?.(graph, states) ?? { value: states };
  const type = { float32: 1, float16: 10, int64: 7 }[outputType];
  graph.output(output, graph.op("Cast", [value], { to: type }), outputType, shape);
  return graph.finish();
}

let copies = 0;
/** The dense fixture without weights, with this ONNX file; `hidden_size` fits the table. */
function folderWith(model: string, bytes: Uint8Array): string {
  const folder = path.join(root, String(copies++));
  copyModel(goldenModelFolder(model), folder, (file) => file === "model.safetensors");
  editJson(path.join(folder, "config.json"), (json) => Object.assign(json, { hidden_size: width }));
  writeFileSync(path.join(folder, "model.onnx"), bytes);
  return folder;
}

/** Pooled rows of the table, worked out by hand. */
function expected(ids: Int32Array, mode: "mean" | "cls"): number[] {
  const rows = [...ids].map(rowOf);
  if (mode === "cls") return rows[0]!;
  return rows[0]!.map((_, place) => rows.reduce((sum, row) => sum + row[place]!, 0) / rows.length);
}

const unit = (vector: number[]) => vector.map((value) => value / Math.hypot(...vector));

describe("a dense model that is an ONNX file only", () => {
  it.each([
    ["last_hidden_state, int64 and float32", { output: "last_hidden_state" }],
    ["token_embeddings", { output: "token_embeddings" }],
    ["int32 inputs", { output: "last_hidden_state", inputType: "int32" }],
    ["float16 output", { output: "last_hidden_state", outputType: "float16" }],
    ["one text per run", { output: "last_hidden_state", batch: 1 }],
    ["a fixed length", { output: "last_hidden_state", length: 16 }],
    [
      "one text per run of a fixed length",
      { output: "last_hidden_state", batch: 1, length: 16, inputType: "int32" },
    ],
    ["operator set 11", { output: "last_hidden_state", operators: 11 }],
    ["operator set 17", { output: "last_hidden_state", operators: 17 }],
  ] as const)("is pooled as its folder says: %s", async (_, options) => {
    for (const [model, mode] of [
      ["dense-cls", "cls"],
      ["dense-mean-normalize", "mean"],
    ] as const) {
      await using encoder = await DenseEncoder.load(folderWith(model, exported(options)));
      const ids = await encoder.tokenize(texts);
      const rows = [...(await encoder.encode(texts))];
      rows.forEach((row, n) => {
        const pooled = expected(ids[n]!, mode);
        const wanted = mode === "mean" ? unit(pooled) : pooled;
        wanted.forEach((value, place) => {
          expect(row[place], `${model}, text ${n}`).toBeCloseTo(value, 5);
        });
      });
    }
  });

  it("may give the vectors of texts itself", async () => {
    const bytes = exported({
      output: "sentence_embedding",
      through: (graph, states) => ({ value: graph.reduce("ReduceMax", states, 1), shape: ["batch", width] }),
    });
    await using encoder = await DenseEncoder.load(folderWith("dense-cls", bytes));
    const ids = await encoder.tokenize(["rain"]);
    const highest = [0, 1, 2, 3].map((place) => Math.max(...[...ids[0]!].map((id) => rowOf(id)[place]!)));
    expect([...(await encoder.encode("rain"))]).toEqual(highest);
  });

  it.each([
    [
      "another output",
      { output: "pooler" },
      "MODEL_UNSUPPORTED",
      /outputs \[ 'pooler' \].*sentence_embedding/,
    ],
    [
      "whole numbers",
      { output: "last_hidden_state", outputType: "int64" },
      "MODEL_UNSUPPORTED",
      /element type 7/,
    ],
    [
      "several texts per run",
      { output: "last_hidden_state", batch: 4 },
      "MODEL_UNSUPPORTED",
      /takes 4 texts at once/,
    ],
  ] as const)("is refused at load by what stands in it: %s", async (_, options, code, message) => {
    const loading = DenseEncoder.load(folderWith("dense-cls", exported(options)));
    await expect(loading).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it("is refused if its width differs from its settings", async () => {
    const folder = folderWith("dense-cls", exported({ output: "last_hidden_state" }));
    editJson(path.join(folder, "config.json"), (json) => Object.assign(json, { hidden_size: 32 }));
    await expect(DenseEncoder.load(folder)).rejects.toMatchObject({
      code: "MODEL_INVALID",
      message: expect.stringMatching(/vectors of 4 numbers.*hidden_size of 32/),
    });
  });

  it("with a Dense module needs weights, and the error says so", async () => {
    const folder = folderWith("dense-cls", exported({ output: "last_hidden_state" }));
    const modules = ["base.modules.transformer.Transformer", "models.Pooling", "models.Dense"].map(
      (name, idx) => ({
        idx,
        name: String(idx),
        path: idx === 0 ? "" : `${idx}_${name.slice(7)}`,
        type: `sentence_transformers.${name}`,
      }),
    );
    writeJson(path.join(folder, "modules.json"), modules);
    writeJson(path.join(folder, "2_Dense/config.json"), { in_features: 4, out_features: 2 });
    await expect(DenseEncoder.load(folder)).rejects.toMatchObject({
      code: "MODEL_UNSUPPORTED",
      message: expect.stringMatching(/Transformer, Pooling, Dense.*need the weights/),
    });
  });
});

describe("an ONNX file that quantises what it gets", () => {
  const quantised = (graph: OnnxGraph, states: Value) => {
    const [values, scale, zero] = graph.outputsOf("DynamicQuantizeLinear", 3, [states]);
    return { value: graph.op("DequantizeLinear", [values!, scale!, zero!]) };
  };

  it("gives a text the same vector in every batch", async () => {
    const bytes = exported({ output: "last_hidden_state", through: quantised });
    await using encoder = await DenseEncoder.load(folderWith("dense-cls", bytes));
    const together = await encoder.encode(texts);
    for (const [n, text] of texts.entries()) {
      expect([...together.row(n)]).toEqual([...(await encoder.encode(text))]);
    }
  });
});

describe("an ONNX file for a sparse model", () => {
  it("with scores for another vocabulary is refused at load", async () => {
    const folder = folderWith("bert-max-relu", exported({ output: "logits" }));
    await expect(SparseEncoder.load(folder)).rejects.toMatchObject({
      code: "MODEL_INVALID",
      message: expect.stringMatching(/scores for 4 entries.*vocab_size of 1500/),
    });
  });

  it("with functions that double each other forty times is refused at load", async () => {
    const field = (number: number, bytes: Uint8Array | string): Buffer => {
      const content = Buffer.from(bytes);
      // A number from 16 on takes two bytes.
      const tag = number < 16 ? [(number << 3) | 2] : [(((number << 3) | 2) & 0x7f) | 0x80, number >> 4];
      return Buffer.concat([Buffer.from([...tag, content.length]), content]);
    };
    const call = (name: string, from: string, to: string) =>
      field(7, Buffer.concat([field(1, from), field(2, to), field(4, name)]));
    // As in all messages of protobuf, what is appended is added: here, to the functions of the model.
    const functions = Array.from({ length: 41 }, (_, level) => {
      const calls =
        level === 0
          ? [call("Identity", "x", "y")]
          : [call(`f${level - 1}`, "x", "t"), call(`f${level - 1}`, "t", "y")];
      return field(25, Buffer.concat([field(1, `f${level}`), field(4, "x"), field(5, "y"), ...calls]));
    });
    const through = (graph: OnnxGraph, states: Value) => ({ value: graph.op("f40", [states]) });
    const bytes = Buffer.concat([exported({ output: "logits", through }), ...functions]);
    await expect(SparseEncoder.load(folderWith("bert-max-relu", bytes))).rejects.toMatchObject({
      code: "MODEL_INVALID",
      message: expect.stringMatching(/Functions call each other without end/),
    });
  });

  it.each(["Loop", "Scan", "SequenceMap", "GreedySearch"])("with %s is refused at load", async (operator) => {
    const loop = (graph: OnnxGraph, states: Value) => ({ value: graph.op(operator, [states, states]) });
    const folder = folderWith("bert-max-relu", exported({ output: "logits", through: loop }));
    await expect(SparseEncoder.load(folder)).rejects.toMatchObject({
      code: "MODEL_UNSUPPORTED",
      message: expect.stringMatching(new RegExp(`operator ${operator}.*might never end`)),
    });
  });
});
