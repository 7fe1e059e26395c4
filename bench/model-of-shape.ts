import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { buildGraph } from "../packages/core/src/graph/compiled-model.ts";
import { readModelFolder, type StoredTensor, TensorTable } from "../packages/core/src/model/index.ts";
import { copyTokenizer } from "./random-model.ts";
import { initialTensors, writeRandomWeights } from "./random-weights.ts";

/** An entry of docs/models.json. */
export interface ModelShape {
  readonly name: string;
  readonly kind: "sparse" | "dense" | "sparse and dense" | "reranker";
  readonly millions: number;
  /** Its `config.json` as far as the shape goes. */
  readonly shape: Readonly<Record<string, unknown>>;
}

/** Writes a model of that shape with the tokenizer of the embedded model, and exactly the tensors that its graph asks for. */
export async function writeModel(place: string, { kind, shape }: ModelShape): Promise<void> {
  copyTokenizer(place);
  const write = (name: string, json: unknown) => writeFileSync(path.join(place, name), JSON.stringify(json));
  const head = { architectures: kind === "reranker" ? ["ForSequenceClassification"] : ["Model"] };
  write("config.json", { ...shape, ...head, id2label: { 0: "LABEL_0" } });
  if (kind !== "reranker") {
    const module = (idx: number, type: string) => {
      return {
        idx,
        name: `${idx}`,
        path: idx === 0 ? "" : "1_Pooling",
        type: `sentence_transformers.models.${type}`,
      };
    };
    const settings = { pooling_strategy: "max", activation_function: "relu", pooling_mode: "mean" };
    mkdirSync(path.join(place, "1_Pooling"));
    write("1_Pooling/config.json", settings);
    write("modules.json", [
      module(0, "Transformer"),
      module(1, kind === "sparse" ? "SpladePooling" : "Pooling"),
    ]);
  }
  const { plain } = (await readModelFolder(place)).routes;
  const asked = new AskedTensors();
  buildGraph(plain, new Map([[place, asked]]), "throughput");
  // Decoders come in half precision.
  const type = shape.torch_dtype === "bfloat16" ? "BF16" : "F32";
  writeRandomWeights(path.join(place, "model.safetensors"), initialTensors(asked.shapes), type);
}

/** A table that has what a graph asks for. Decoders are tied to the word embeddings, and names have no prefix. */
class AskedTensors extends TensorTable {
  readonly shapes: Record<string, readonly number[]> = {};

  constructor() {
    super(new Map(), "the shape");
  }

  override has(name: string): boolean {
    return !/embed|decoder|projector|lm_head\.weight/.test(name);
  }

  override get(name: string, shape: readonly number[]): StoredTensor {
    this.shapes[name] = shape;
    return { type: "F32", shape, file: "", offset: 0, byteLength: 0 };
  }

  override quantised(): undefined {}
}
