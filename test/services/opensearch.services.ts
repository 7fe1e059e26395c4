import { storeConformance } from "@sparse-encoder/core/testing";
import { describe, inject, it } from "vitest";
import { because, openOpenSearch } from "./engines.ts";

const { opensearch, missing } = inject("servers");
let indexes = 0;
const nextIndex = () => `t${process.pid}-${indexes++}`;

describe.skipIf(opensearch === undefined)(
  `OpenSearchStore on ${opensearch?.what}${because(missing.opensearch)}`,
  () => {
    for (const { name, run } of storeConformance((vectors) =>
      openOpenSearch({ vectors, index: nextIndex() }),
    )) {
      it(name, run);
    }
  },
);
