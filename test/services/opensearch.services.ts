import { OpenSearchStore, SparseVector } from "@sparse-encoder/core";
import { storeConformance } from "@sparse-encoder/core/testing";
import { describe, expect, inject, it } from "vitest";

const url = inject("opensearch");
let indexes = 0;
const nextIndex = () => `t${process.pid}-${indexes++}`;

describe.skipIf(url === undefined)("OpenSearchStore on an OpenSearch 2.19.1 server", () => {
  for (const { name, run } of storeConformance((vectors) =>
    OpenSearchStore.open({ url: url!, vectors, index: nextIndex(), refresh: true }),
  )) {
    it(name, run);
  }
});
