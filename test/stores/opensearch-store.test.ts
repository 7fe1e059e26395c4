import { OpenSearchStore } from "@sparse-encoder/core/stores";
import { storeConformance } from "@sparse-encoder/core/testing";
import { afterEach, beforeEach, describe, it } from "vitest";
import { FakeOpenSearch } from "../fakes/opensearch/fake-opensearch.ts";
import { clusterCases } from "./cluster-cases.ts";

describe("OpenSearchStore on a fake of OpenSearch's documented requests", () => {
  let fake: FakeOpenSearch;
  beforeEach(async () => {
    fake = await FakeOpenSearch.start();
  });
  afterEach(() => fake.stop());
  for (const { name, run } of storeConformance((vectors) =>
    OpenSearchStore.open({ url: fake.url, vectors }),
  )) {
    it(name, run);
  }
});

describe("OpenSearchStore", () => {
  clusterCases(
    () => FakeOpenSearch.start(),
    (options) => OpenSearchStore.open(options),
  );
});
