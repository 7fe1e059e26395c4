import { MemoryStore, type SparseEncoderError } from "@sparse-encoder/core";
import {
  ElasticsearchStore,
  MilvusStore,
  OpenSearchStore,
  PostgresStore,
  QdrantStore,
} from "@sparse-encoder/core/stores";
import { describe, expect, it } from "vitest";

type Open = (options?: object) => Promise<unknown>;

/** How a store is opened, with options that would be enough, and the options of it that are not objects. */
const stores: Record<string, [Open, object, string[]]> = {
  "MemoryStore.open": [
    (options) => MemoryStore.open("./never-made", options),
    {},
    ["vectors", "model", "journalBytes", "readOnly"],
  ],
  "QdrantStore.open": [
    (options) => QdrantStore.open(options as never),
    { url: "http://localhost:1" },
    ["apiKey", "collection", "vectors", "model", "layout", "exact", "timeout", "retries"],
  ],
  "MilvusStore.open": [
    (options) => MilvusStore.open(options as never),
    { address: "localhost:1" },
    ["token", "collection", "partition", "vectors", "model", "consistency", "timeout", "retries"],
  ],
  "OpenSearchStore.open": [
    (options) => OpenSearchStore.open(options as never),
    { url: "http://localhost:1" },
    ["auth", "index", "vectors", "model", "refresh", "timeout", "retries"],
  ],
  "ElasticsearchStore.open": [
    (options) => ElasticsearchStore.open(options as never),
    { url: "http://localhost:1" },
    ["auth", "index", "vectors", "model", "refresh", "exact", "timeout", "retries"],
  ],
  "PostgresStore.open": [
    (options) => PostgresStore.open(options as never),
    { url: "postgres://localhost:1/x" },
    ["table", "schema", "vectors", "model", "hnsw", "filterIndexes", "connections", "timeout", "retries"],
  ],
};

describe.each(Object.keys(stores))("%s", (call) => {
  const [open, enough, names] = stores[call]!;
  const failureOf = (options?: object) =>
    open(options).then(
      () => undefined,
      (error: SparseEncoderError) => error,
    );

  it("refuses an unknown option with the list of valid ones", async () => {
    const error = await failureOf({ ...enough, colection: "x" });
    expect(error).toMatchObject({ code: "UNKNOWN_OPTION", message: expect.stringContaining(call) });
    for (const name of names) expect(error?.message).toContain(name);
  });

  it.each(names)("refuses a value of %s that cannot be meant, by name", async (name) => {
    // No option takes a symbol, a function or a list of these.
    for (const value of [Symbol("x"), () => 1, [Symbol("x")]]) {
      const error = await failureOf({ ...enough, [name]: value });
      expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
      expect(error?.message).toContain(`${call}: ${name}`);
    }
  });

  it.runIf(call !== "MemoryStore.open")(
    "says what says where the server is, if it gets nothing",
    async () => {
      expect(await failureOf({})).toMatchObject({
        code: "INVALID_ARGUMENT",
        message: expect.stringContaining("says where the server is, received none"),
      });
      for (const options of [undefined, null as never, []]) {
        expect(await failureOf(options)).toMatchObject({
          code: "INVALID_ARGUMENT",
          message: expect.stringContaining("options must be an object such as {"),
        });
      }
    },
  );
});
