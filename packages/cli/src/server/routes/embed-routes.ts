import { z } from "zod";
import { type EncodeTask, encodeTasks } from "../../encode/encode-tasks.ts";
import { shortFloat } from "../../encode/encoded-line.ts";
import { ApiError } from "../api-error.ts";
import { type EncodeKind, kindKey } from "../encode-kind.ts";
import type { ServerContext } from "../server-context.ts";
import { type ApiCall, bodyRoute } from "./api-route.ts";
import { checkPrompt, inputsSchema, textsOf } from "./inputs.ts";

const common = {
  inputs: inputsSchema,
  /** Longer texts are cut with `true`, and refused otherwise. */
  truncate: z.boolean().nullish(),
  truncation_direction: z.enum(["Right", "right"]).optional(),
  prompt_name: z.string().nullish(),
  prompt: z
    .string()
    .optional()
    .describe(
      "Put in front of each text, in place of the model's prompt. An addition to text-embeddings-inference",
    ),
  task: z
    .enum(encodeTasks)
    .optional()
    .describe("What the texts are. An addition to text-embeddings-inference"),
};

const sparseRequest = z.object({
  ...common,
  max_active_dims: z
    .number()
    .int()
    .positive()
    .optional()
    .describe("Weights of each text to keep. An addition too"),
});

const sparseResponse = z.array(z.array(z.object({ index: z.number().int(), value: z.number() })));

/** Sparse vectors, as text-embeddings-inference gives them. */
export const embedSparseRoute = bodyRoute({
  method: "post",
  path: "/embed_sparse",
  summary: "Sparse vectors of texts",
  tag: "text-embeddings-inference",
  body: sparseRequest,
  response: sparseResponse,
  handle: embedSparse,
});

async function embedSparse(body: z.infer<typeof sparseRequest>, { context, signal }: ApiCall) {
  const { encoder, sparseTexts } = context;
  const texts = textsOf(body.inputs, context);
  checkPrompt(body.prompt_name, encoder.prompts);
  if (body.truncate === false) await checkLengths(texts, encoder);
  const kind = kindKey({ ...kindOf(body), maxActiveDims: body.max_active_dims });
  const vectors = await sparseTexts.add(kind, texts, signal);
  return vectors.map((vector) =>
    Array.from(vector, ([index, value]) => ({ index, value: shortFloat(value) })),
  );
}

const denseRequest = z.object({ ...common, normalize: z.boolean().optional() });

/** Dense vectors, as text-embeddings-inference gives them. */
export const embedRoute = bodyRoute({
  method: "post",
  path: "/embed",
  summary: "Dense vectors of texts",
  tag: "text-embeddings-inference",
  body: denseRequest,
  response: z.array(z.array(z.number())),
  handle: embedDense,
});

async function embedDense(body: z.infer<typeof denseRequest>, { context, signal }: ApiCall) {
  const { dense, denseTexts } = denseOf(context);
  const texts = textsOf(body.inputs, context);
  checkPrompt(body.prompt_name, dense.prompts);
  if (body.truncate === false) await checkLengths(texts, dense);
  const kind = kindKey({ ...kindOf(body), normalize: body.normalize ?? true });
  const vectors = await denseTexts.add(kind, texts, signal);
  return vectors.map((vector) => Array.from(vector, shortFloat));
}

const openAiRequest = z.object({
  input: inputsSchema,
  model: z.string().nullish(),
  encoding_format: z.enum(["float", "base64"]).optional(),
  dimensions: z.number().int().positive().optional(),
  user: z.string().nullish(),
});

const openAiResponse = z.object({
  object: z.literal("list"),
  data: z.array(
    z.object({
      object: z.literal("embedding"),
      index: z.number().int(),
      embedding: z.union([z.array(z.number()), z.string().describe("Float32, little-endian, in base64")]),
    }),
  ),
  model: z.string(),
  usage: z.object({ prompt_tokens: z.number().int(), total_tokens: z.number().int() }),
});

/** Dense vectors, as OpenAI gives them. */
export const openAiRoute = bodyRoute({
  method: "post",
  path: "/v1/embeddings",
  summary: "Dense vectors of texts, as OpenAI gives them",
  tag: "OpenAI",
  body: openAiRequest,
  response: openAiResponse,
  async handle({ input, encoding_format, dimensions }, { context, signal }) {
    const { dense, denseTexts } = denseOf(context);
    const texts = textsOf(input, context);
    if (dimensions !== undefined && dimensions > dense.embeddingDimension) {
      throw new ApiError(
        422,
        "Validation",
        `dimensions is at most ${dense.embeddingDimension}, received ${dimensions}.`,
      );
    }
    const vectors = await denseTexts.add(kindKey({ task: "plain", normalize: true }), texts, signal);
    const tokens = (await dense.tokenize(texts)).reduce((sum, ids) => sum + ids.length, 0);
    return {
      object: "list",
      data: vectors.map((vector, index) => {
        const embedding = dimensions === undefined ? vector : normalized(vector.subarray(0, dimensions));
        return {
          object: "embedding",
          index,
          embedding: encoding_format === "base64" ? base64(embedding) : Array.from(embedding, shortFloat),
        };
      }),
      model: context.denseModel ?? "",
      usage: { prompt_tokens: tokens, total_tokens: tokens },
    };
  },
});

const similarityRequest = z.object({
  inputs: z.object({ source_sentence: z.string(), sentences: z.array(z.string()) }),
  parameters: z
    .object({
      truncate: common.truncate,
      truncation_direction: common.truncation_direction,
      prompt_name: common.prompt_name,
    })
    .nullish(),
});

/** Cosines of a text with others, as text-embeddings-inference gives them. */
export const similarityRoute = bodyRoute({
  method: "post",
  path: "/similarity",
  summary: "Cosines of the dense vector of a text with the dense vectors of others",
  tag: "text-embeddings-inference",
  body: similarityRequest,
  response: z.array(z.number()),
  async handle({ inputs, parameters }, { context, signal }) {
    const { dense, denseTexts } = denseOf(context);
    const sentences = textsOf(inputs.sentences, context, "inputs.sentences");
    checkPrompt(parameters?.prompt_name, dense.prompts);
    const texts = [inputs.source_sentence, ...sentences];
    if (parameters?.truncate === false) await checkLengths(texts, dense);
    const kind = kindKey({ ...kindOf(parameters ?? {}), normalize: true });
    const [source, ...others] = await denseTexts.add(kind, texts, signal);
    return others.map((other) =>
      shortFloat(other.reduce((sum, value, place) => sum + value * source![place]!, 0)),
    );
  },
});

const rootRequest = z.object({
  ...denseRequest.shape,
  max_active_dims: sparseRequest.shape.max_active_dims,
});

/** The route of clients that know the address of a server only. */
export const rootRoute = bodyRoute({
  method: "post",
  path: "/",
  summary: "As /embed where the server has a dense model, else as /embed_sparse",
  tag: "text-embeddings-inference",
  body: rootRequest,
  response: z.union([z.array(z.array(z.number())), sparseResponse]),
  handle: (body, call) =>
    call.context.dense === undefined ? embedSparse(body, call) : embedDense(body, call),
});

/** What texts of a request have in common. A prompt that is written out leaves no room for one of the model. */
function kindOf({
  task = "plain",
  prompt,
  prompt_name,
}: {
  readonly task?: EncodeTask | undefined;
  readonly prompt?: string | undefined;
  readonly prompt_name?: string | null | undefined;
}): EncodeKind {
  return prompt === undefined ? { task, promptName: prompt_name ?? undefined } : { task, prompt };
}

function denseOf({ dense, denseTexts }: ServerContext) {
  if (dense === undefined || denseTexts === undefined) {
    throw new ApiError(424, "Backend", "The server was started without a dense model: add --dense <model>.");
  }
  return { dense, denseTexts };
}

/** A text is as long as its tokens before they are cut; one that fills the model may have been cut. */
async function checkLengths(
  texts: readonly string[],
  encoder: { readonly maxSeqLength: number; tokenize(texts: readonly string[]): Promise<Int32Array[]> },
): Promise<void> {
  const lengths = (await encoder.tokenize(texts)).map((ids) => ids.length);
  const long = lengths.findIndex((length) => length >= encoder.maxSeqLength);
  if (long === -1) return;
  throw new ApiError(
    413,
    "Validation",
    `The text at position ${long} may have more than the ${encoder.maxSeqLength} tokens of the model; truncate: true cuts such texts.`,
  );
}

function normalized(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector) || 1;
  return vector.map((value) => value / length);
}

function base64(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [place, value] of vector.entries()) bytes.writeFloatLE(value, place * 4);
  return bytes.toString("base64");
}
