import path from "node:path";
import type { Pipeline, WantedModel } from "./description.ts";
import { isFile } from "./is-file.ts";
import type { Routes } from "./modules/router.ts";

/** The linear layer of lexical weights, beside the modules of a dense model. */
export const lexicalWeightsFile = "sparse_linear.pt";

/**
 * The pipelines of a folder that has a layer of lexical weights beside a dense model, as bge-m3 does: its sparse vectors only, or
 * both in one run. `routes` as they are where the caller wants dense vectors, or where the folder has no such layer.
 */
export async function withLexicalWeights(root: string, routes: Routes, wanted: WantedModel): Promise<Routes> {
  const [transformer, pooling] = routes.plain;
  const file = path.join(root, lexicalWeightsFile);
  const isWanted = wanted === "SparseEncoder" || wanted === "HybridEncoder";
  const isDense = transformer?.kind === "Transformer" && pooling?.kind === "Pooling";
  if (!isWanted || !isDense || !(await isFile(file))) return routes;
  const lexical = { kind: "LexicalWeights", folder: file } as const;
  const plain: Pipeline =
    wanted === "SparseEncoder" ? [transformer, lexical] : [transformer, lexical, ...routes.plain.slice(1)];
  return { plain, query: plain, document: plain };
}
