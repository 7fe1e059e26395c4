import { SparseEncoderError, SparseVector } from "@sparse-encoder/core";
import { PostgresStore } from "@sparse-encoder/core/stores";
import { storeConformance } from "@sparse-encoder/core/testing";
import { describe, expect, inject, it } from "vitest";

const { url, what } = inject("servers").postgres;
const { password } = new URL(url);
let tables = 0;
const nextTable = () => `t${process.pid}_${tables++}`;

describe(`PostgresStore on ${what}`, () => {
  for (const { name, run } of storeConformance((vectors) =>
    PostgresStore.open({ url, vectors, table: nextTable() }),
  )) {
    it(name, run);
  }

  it.skipIf(password === "")("says that the password is wrong without showing it", async () => {
    const wrong = url.replace(`:${password}@`, ":gu3ssed@");
    const error = await PostgresStore.open({ url: wrong }).catch((thrown: unknown) => thrown);
    if (!SparseEncoderError.is(error, "STORE_FAILED")) throw error;
    expect(error.message).toContain("password");
    expect(`${error.message} ${error.stack} ${JSON.stringify(error.cause)}`).not.toContain("gu3ssed");
  });

  it("says that a database does not exist, and that a server takes no writes", async () => {
    const missing = await PostgresStore.open({ url: url.replace(/[^/]*$/, "nowhere") }).catch(
      (e: unknown) => e,
    );
    expect(missing).toMatchObject({ code: "STORE_FAILED", message: expect.stringContaining("nowhere") });
    const table = nextTable();
    await (await PostgresStore.open({ url, table })).close();
    const readOnly = `${url}?options=-c%20default_transaction_read_only%3Don`;
    await using store = await PostgresStore.open({ url: readOnly, table });
    expect(await store.count()).toBe(0);
    await expect(store.delete({ filter: {} })).rejects.toMatchObject({
      code: "STORE_FAILED",
      message: expect.stringContaining("primary"),
    });
  });

  it("lets many stores set up one table at once, and add vectors of one name", async () => {
    const table = nextTable();
    const stores = await Promise.all(Array.from({ length: 5 }, () => PostgresStore.open({ url, table })));
    await Promise.all(
      stores.map((store, number) =>
        store.upsert(
          Array.from({ length: 50 }, (_, n) => ({
            id: `${(n + number) % 60}`,
            text: "",
            metadata: {},
            vectors: { sparse: SparseVector.from({ 1: 1 }, 10) },
          })),
        ),
      ),
    );
    expect(await stores[0]!.count()).toBe(54);
    await Promise.all(stores.map((store) => store.close()));
  });
});
