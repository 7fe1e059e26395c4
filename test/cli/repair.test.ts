import { mkdirSync, openSync, readdirSync, writeFileSync, writeSync } from "node:fs";
import { MemoryStore, SparseVector } from "@sparse-encoder/core";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { runCli, temporaryFolder } from "./run-cli.ts";

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());
let count = 0;
let name: string;

/** A store of three documents, each in a record of its own. */
beforeEach(async () => {
  name = `store-${count++}`;
  const store = await MemoryStore.open(folder.file(name));
  for (const id of ["a", "b", "c"]) {
    const sparse = SparseVector.from({ 1: 1 }, 10);
    await store.upsert([{ id, text: `text ${id}`.repeat(20), metadata: {}, vectors: { sparse } }]);
  }
  await store.close();
});

/** Changes a byte in the middle of the journal: within the second record. */
function damage(below = ""): void {
  const store = folder.file(`${name}/${below}`);
  const journal = readdirSync(store).find((file) => file.startsWith("journal"))!;
  const file = openSync(`${store}/${journal}`, "r+");
  writeSync(file, "????", 400);
}

async function ids(): Promise<string[]> {
  await using store = await MemoryStore.open(folder.file(name));
  const found: string[] = [];
  for await (const { id } of store.iterate()) found.push(id);
  return found;
}

const run = (...parameters: readonly string[]) => runCli(["repair", ...parameters], { cwd: folder.path });

describe("repair", () => {
  it("says that a sound store is sound", async () => {
    expect(await run(name)).toMatchObject({ code: 0, stdout: `${name} is sound: 3 documents.\n` });
    expect(await run(name, "--yes")).toMatchObject({ code: 0 });
    expect(await ids()).toEqual(["a", "b", "c"]);
  });

  it("shows what it would drop, and drops it with --yes only", async () => {
    damage();
    await expect(ids()).rejects.toMatchObject({ code: "STORE_CORRUPT" });
    const shown = await run(name);
    expect(shown).toMatchObject({ code: 1, stderr: expect.stringContaining("Add --yes") });
    expect(shown.stdout).toMatch(
      /keeps 2 documents and drops:\n\nfile +from byte +to byte +what is wrong\njournal-\d+ /,
    );
    await expect(ids()).rejects.toMatchObject({ code: "STORE_CORRUPT" });
    const repaired = await run(name, "--yes");
    expect(repaired).toMatchObject({ code: 0, stderr: expect.stringContaining("Repaired: 2 documents") });
    expect(repaired.stdout).toBe(shown.stdout);
    expect(await ids()).toEqual(["a", "c"]);
    expect(readdirSync(folder.file(name)).some((file) => file.endsWith(".damaged"))).toBe(true);
  });

  it("writes JSON", async () => {
    damage();
    const { code, stdout } = await run(name, "--json");
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ isSound: false, documents: 2, applied: false });
  });

  it("lets the next run of index fill what an index lost", async () => {
    mkdirSync(folder.file("docs"));
    for (const word of ["apples", "trains"])
      writeFileSync(folder.file(`docs/${word}.md`), `# ${word}\n\nAll about ${word}.\n`);
    const index = () => runCli(["index", "docs", "--index", name, "--json"], { cwd: folder.path });
    name = "own-index";
    expect(JSON.parse((await index()).stdout)).toMatchObject({ added: 2 });
    damage("store/");
    expect(await run(name)).toMatchObject({ code: 1 });
    expect(await run(name, "--yes")).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("index again"),
    });
    expect(JSON.parse((await index()).stdout)).toMatchObject({ changed: 2, passages: 2 });
    expect(JSON.parse((await index()).stdout)).toMatchObject({ unchanged: 2, passages: 2 });
  }, 60_000);

  it("says that there is nothing where nothing is", async () => {
    expect(await run("nowhere")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("There is no index and no store in nowhere"),
    });
  });

  it("repairs a store with tenants tenant by tenant", async () => {
    const store = folder.file("tenants");
    await (await MemoryStore.open(store, { tenant: "acme" })).close();
    expect(await run("tenants")).toMatchObject({ code: 1, stderr: expect.stringContaining("tenant") });
    expect(await run("tenants", "--tenant", "acme")).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("is sound: 0 documents"),
    });
  });
});
