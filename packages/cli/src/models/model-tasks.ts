import type { EncoderDescription } from "@sparse-encoder/core";
import { usageError } from "../command-error.ts";
import { Interruption } from "../interruption.ts";
import { megabytes } from "../terminal/megabytes.ts";
import { writeJson, writeLine } from "../terminal/standard-output.ts";
import { table } from "../terminal/table.ts";
import type { ModelOptions } from "./model-options.ts";
import { type AnyEncoder, openDenseEncoder, openSparseEncoder } from "./open-encoder.ts";

/** Options of the commands on models. */
export interface ModelTaskOptions extends ModelOptions {
  readonly dense?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/** Shows what a model is. */
export async function info(options: ModelTaskOptions): Promise<void> {
  using interruption = new Interruption();
  await using encoder = await openEncoder(options, interruption.signal);
  const description = encoder.describe();
  if (options.json) return writeJson(description);
  await writeLine(table([{ heading: "" }, { heading: "" }], rowsOf(description)).trimStart());
}

function rowsOf(description: EncoderDescription): (readonly [string, string])[] {
  const { modules, prompts } = description;
  const isOneRoute =
    String(modules.plain) === String(modules.query) && String(modules.plain) === String(modules.document);
  const routes = isOneRoute
    ? [["modules", modules.plain.join(", ")] as const]
    : (["plain", "query", "document"] as const).map(
        (route) => [`modules, ${route}`, modules[route].join(", ")] as const,
      );
  return [
    ["folder", description.folder],
    ["family", description.family],
    ...routes,
    ["dimension", String(description.dimension)],
    ["longest input", `${description.maxSeqLength} tokens`],
    ["number format", description.dtype],
    ["weights", `${megabytes(description.weightsBytes)} MB`],
    ...Object.entries(prompts).map(([name, prompt]) => [`prompt ${name}`, JSON.stringify(prompt)] as const),
    ["default prompt", description.defaultPromptName ?? "none"],
    ["device", description.device],
    [
      "workers",
      `${description.workers}, of ${description.threads} ${description.threads === 1 ? "thread" : "threads"} each`,
    ],
  ];
}

/** Texts whose vectors are compared. */
const sampleTexts = [
  "The weather is lovely today.",
  "How do I cancel an order that was already sent?",
  "A swept wing delays the rise of drag near the speed of sound.",
  "Photosynthesis turns sunlight, water and carbon dioxide into sugar.",
];

/** Makes the int8 weights of a model, and compares its vectors with the vectors of fp32. */
export async function quantize(options: ModelTaskOptions): Promise<void> {
  if (options.dtype === "fp32") throw usageError("quantize makes int8 weights; leave --dtype out.");
  using interruption = new Interruption();
  const { signal } = interruption;
  await using full = await openSparseEncoder({ ...options, dtype: "fp32" }, signal);
  await using small = await openSparseEncoder({ ...options, dtype: "int8" }, signal);
  const [before, after] = [await full.encode(sampleTexts), await small.encode(sampleTexts)];
  const cosines = sampleTexts.map((_, row) => before.row(row).cosine(after.row(row)));
  const result = {
    fp32Bytes: full.describe().weightsBytes,
    int8Bytes: small.describe().weightsBytes,
    leastCosine: Math.min(...cosines),
  };
  if (options.json) return writeJson(result);
  await writeLine(
    `fp32 ${megabytes(result.fp32Bytes)} MB, int8 ${megabytes(result.int8Bytes)} MB; ` +
      `least cosine of ${sampleTexts.length} vectors with fp32: ${result.leastCosine.toFixed(4)}`,
  );
}

function openEncoder(options: ModelTaskOptions, signal: AbortSignal): Promise<AnyEncoder> {
  if (!options.dense) return openSparseEncoder(options, signal);
  if (options.model === undefined) throw usageError("--dense needs a model: no dense model is embedded.");
  return openDenseEncoder(options.model, options, signal);
}
