import type { EmbeddingsInterface } from "@langchain/core/embeddings";
import { type ArmOptions, HybridRetriever } from "@sparse-encoder/core";
import { invalidArgument } from "@sparse-encoder/core/internal";
import type { RetrievalMode, SearchSettings } from "../vector-store/vector-store-options.ts";
import { withDates } from "./retriever-arm.ts";

/** The arms of a vector store: one for each kind of vectors that it has. */
export interface StoreArms {
  readonly sparse: Exclude<ArmOptions, { retrieve: unknown }> | undefined;
  readonly dense: Exclude<ArmOptions, { retrieve: unknown }> | undefined;
}

/** The retriever of a vector store. */
export function storeRetriever(
  arms: StoreArms,
  { arms: armSettings = {}, ...settings }: SearchSettings,
): HybridRetriever {
  const { sparse, dense } = arms;
  const used: Record<string, ArmOptions> = {
    ...(sparse === undefined ? {} : { sparse: { ...withDates(armSettings.sparse ?? {}), ...sparse } }),
    ...(dense === undefined ? {} : { dense: { ...withDates(armSettings.dense ?? {}), ...dense } }),
  };
  // A single arm has nothing to be fused with: the scores of the store stay.
  const fusion = settings.fusion ?? (Object.keys(used).length === 1 ? "max" : undefined);
  return new HybridRetriever({ ...settings, fusion, arms: used });
}

/** The encoders of the arms. Embeddings of other packages have none. */
export function encodersOf({ sparse, dense }: StoreArms): unknown[] {
  return [sparse, dense].flatMap((arm) => (arm !== undefined && "encoder" in arm ? [arm.encoder] : []));
}

/** @throws SparseEncoderError `INVALID_ARGUMENT` for a call that needs dense vectors */
export function checkDense(call: string, mode: RetrievalMode): void {
  if (mode !== "sparse") return;
  throw invalidArgument(
    `${call} needs dense vectors, which a store of mode sparse does not have; use mode dense or hybrid.`,
  );
}

/** In place of dense embeddings where there are none. */
export function noEmbeddings(mode: RetrievalMode): EmbeddingsInterface {
  const refuse = async (): Promise<never> => {
    throw invalidArgument(`A store of mode ${mode} has no dense embeddings.`);
  };
  return { embedQuery: refuse, embedDocuments: refuse };
}
