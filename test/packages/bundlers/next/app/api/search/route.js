import { HybridRetriever, MemoryStore, SparseEncoder } from "@sparse-encoder/core";
import { SparseEmbeddings } from "@sparse-encoder/langchain";
import { SparseEmbedding } from "@sparse-encoder/llamaindex";
import { text } from "../../../text.mjs";

export const dynamic = "force-dynamic";

/** One encoder per process: a hot reload runs this module again, the process stays. */
const encoder = () => {
  globalThis.encoder ??= SparseEncoder.load();
  return globalThis.encoder;
};

export async function GET() {
  const vector = await (await encoder()).encode(text);
  const adapters = [HybridRetriever, MemoryStore, SparseEmbeddings, SparseEmbedding];
  if (adapters.some((adapter) => typeof adapter !== "function")) throw new Error("an adapter is missing");
  return Response.json({ indices: [...vector.indices], values: [...vector.values] });
}
