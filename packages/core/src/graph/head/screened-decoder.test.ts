import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { afterAll, describe, expect, it } from "vitest";
import type { StoredTensor } from "../../model/index.ts";
import { completeScreenedModel } from "../../runtime/screened-model.ts";
import { Random } from "../../testing/random.ts";
import { OnnxGraph } from "../onnx/onnx-graph.ts";
import { addScreenedDecoder, screenTables } from "./screened-decoder.ts";

const folder = mkdtempSync(path.join(tmpdir(), "screened-decoder-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Case {
  readonly vocabulary: number;
  readonly width: number;
  readonly weights: Float32Array;
  readonly bias: Float32Array;
  /** [2, 3, width]: two texts of three tokens. */
  readonly tokens: Float32Array;
}

const texts = 2;
const tokensOfText = 3;

async function screen({ vocabulary, width, weights, bias, tokens }: Case) {
  const file = path.join(folder, `${vocabulary}x${width}.bin`);
  writeFileSync(file, new Uint8Array(weights.buffer));
  const weight: StoredTensor = {
    type: "F32",
    shape: [vocabulary, width],
    file,
    offset: 0,
    byteLength: weights.byteLength,
  };
  const graph = new OnnxGraph();
  const { dims, maxima } = addScreenedDecoder(
    graph,
    weight,
    graph.input("tokens", "float32", ["rows", width]),
    graph.input("batchShape", "int64", [2]),
    graph.input("bias", "float32", [vocabulary]),
  );
  graph.output("dims", dims, "int64", ["active"]);
  graph.output("maxima", maxima, "float32", ["active", "batch"]);
  const options = { extra: { session: { model_external_initializers_file_folder_path: folder } } };
  const model = { bytes: graph.finish(), tables: screenTables(weight), entries: vocabulary };
  const session = await InferenceSession.create(
    Buffer.concat(await completeScreenedModel(model, InferenceSession, options)),
    options,
  );
  const outputs = await session.run({
    tokens: new Tensor("float32", tokens, [texts * tokensOfText, width]),
    batchShape: new Tensor("int64", BigInt64Array.of(BigInt(texts), BigInt(tokensOfText)), [2]),
    bias: new Tensor("float32", bias, [vocabulary]),
  });
  await session.release();
  return {
    dims: Array.from(outputs.dims!.data as BigInt64Array, Number),
    maxima: outputs.maxima!.data as Float32Array,
  };
}

/** Largest score of an entry over the tokens of a text, in double precision, and the size of what was added up. */
function score({ width, weights, bias, tokens }: Case, entry: number, text: number) {
  let largest = Number.NEGATIVE_INFINITY;
  let size = 0;
  for (let token = text * tokensOfText; token < (text + 1) * tokensOfText; token++) {
    const parts = Array.from(
      { length: width },
      (_, at) => weights[entry * width + at]! * tokens[token * width + at]!,
    );
    largest = Math.max(
      largest,
      parts.reduce((sum, part) => sum + part, bias[entry]!),
    );
    size = Math.max(
      size,
      parts.reduce((sum, part) => sum + Math.abs(part), Math.abs(bias[entry]!)),
    );
  }
  return { largest, size };
}

/** How numbers are spread: the bound must hold for all of them, the useful and the hostile. */
const spreads: Readonly<Record<string, (random: () => number) => number>> = {
  even: (random) => random() * 2 - 1,
  "with outliers": (random) => (random() * 2 - 1) * (random() < 0.02 ? 300 : 1),
  "mostly zero": (random) => (random() < 0.9 ? 0 : random() * 2 - 1),
  positive: (random) => random() + 0.5,
  tiny: (random) => (random() * 2 - 1) * 1e-12,
};

function randomCase(vocabulary: number, width: number, spread: string): Case {
  const numbers = new Random(vocabulary * 31 + width);
  const random = () => numbers.below(1 << 24) / (1 << 24);
  const draw = (count: number) => Float32Array.from({ length: count }, () => spreads[spread]!(random));
  const weights = draw(vocabulary * width);
  // An entry without weights.
  weights.fill(0, 0, width);
  const tokens = draw(texts * tokensOfText * width);
  const unbiased = { vocabulary, width, weights, tokens, bias: new Float32Array(vocabulary) };
  // Scores around 0, where the decision is closest: some entries just active, some just not.
  const bias = Float32Array.from({ length: vocabulary }, (_, entry) => {
    const scores = [0, 1].map((text) => score(unbiased, entry, text).largest);
    return -Math.max(...scores) * (1 + (random() - 0.5) * 1e-3);
  });
  return { ...unbiased, bias };
}

describe("the screened decoder", () => {
  for (const spread of Object.keys(spreads)) {
    for (const [vocabulary, width] of [
      [1, 8],
      [130, 16],
      [2049, 24],
      [4200, 64],
    ] as const) {
      it(`finds every active one of ${vocabulary} entries of width ${width}, numbers ${spread}`, async () => {
        const sample = randomCase(vocabulary, width, spread);
        const { dims, maxima } = await screen(sample);
        const places = new Map(dims.map((entry, place) => [entry, place]));
        expect(dims).toEqual([...dims].sort((a, b) => a - b));
        for (let entry = 0; entry < vocabulary; entry++) {
          for (let text = 0; text < texts; text++) {
            const { largest, size } = score(sample, entry, text);
            const place = places.get(entry);
            // What float32 may lose of such a sum.
            const rounding = size * 1e-6;
            if (place === undefined) expect(largest).toBeLessThanOrEqual(rounding);
            else expect(Math.abs(maxima[place * texts + text]! - largest)).toBeLessThanOrEqual(rounding);
          }
        }
      });
    }
  }

  it("leaves out what is far from active", async () => {
    const sample = randomCase(3000, 64, "even");
    const bias = sample.bias.map((_, entry) => (entry % 100 === 7 ? 1000 : -1000));
    expect((await screen({ ...sample, bias })).dims).toEqual(
      Array.from({ length: 30 }, (_, number) => number * 100 + 7),
    );
  });

  it("keeps what is not a number, so that it is found", async () => {
    const sample = randomCase(130, 16, "even");
    const tokens = sample.tokens.slice();
    tokens[5] = Number.NaN;
    const { maxima } = await screen({ ...sample, tokens, bias: new Float32Array(130).fill(-1000) });
    expect(maxima.some(Number.isNaN)).toBe(true);
  });
});
