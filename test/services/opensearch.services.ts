import { OpenSearchStore } from "@sparse-encoder/core/stores";
import { storeConformance } from "@sparse-encoder/core/testing";
import { describe, inject, it } from "vitest";

const url = inject("opensearch");
const missing = inject("withoutOpenSearch");
let indexes = 0;
const nextIndex = () => `t${process.pid}-${indexes++}`;

describe.skipIf(missing !== "")(
  `OpenSearchStore on an OpenSearch 2.19.1 server${missing && ` (${missing})`}`,
  () => {
    for (const { name, run } of storeConformance((vectors) =>
      OpenSearchStore.open({ url: url!, vectors, index: nextIndex(), refresh: true }),
    )) {
      it(name, run);
    }
  },
);
