import { describe, inject, it } from "vitest";
import { qdrantCases } from "../stores/qdrant-cases.ts";

const { qdrant, missing, prefix } = inject("servers");

if (qdrant === undefined) {
  describe("QdrantStore", () => {
    it.skip(`on Qdrant's own engine (${missing.qdrant})`, () => {});
  });
} else qdrantCases(qdrant.what, () => ({ ...qdrant, prefix }));
