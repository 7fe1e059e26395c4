import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WriterLock } from "./writer-lock.ts";

const timing = { beat: 20, silence: 200 };
let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "writer-lock-"));
  file = path.join(folder, "lock");
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Takes the lock, lets it go, and leaves the file as its owner wrote it. */
async function ownerFile(): Promise<Record<string, unknown>> {
  const lock = await WriterLock.acquire(file);
  const owner = JSON.parse(await readFile(file, "utf8")) as Record<string, unknown>;
  await lock.release();
  return owner;
}

/** What others may lay in the place of a lock, and that no owner ever does. */
const planted: Record<string, (to: string) => Promise<void> | Buffer> = {
  "a link that leads nowhere": () => symlink(path.join(folder, "nowhere"), file),
  "a link to a file": (to) => symlink(to, file),
  "a pipe": () => execFileSync("mkfifo", [file]),
};

describe.skipIf(process.platform === "win32")("in the place of a lock", () => {
  it.each(Object.keys(planted))("%s passes on after a silence, and what it leads to stays", async (kind) => {
    const other = path.join(folder, "other");
    await writeFile(other, "precious");
    await planted[kind]!(other);
    const lock = await WriterLock.acquire(file, timing);
    await lock.check();
    expect(await readFile(other, "utf8")).toBe("precious");
    await lock.release();
    expect(await readdir(folder)).toEqual(["other"]);
  });
});

describe("a writer lock", () => {
  it("that could not be removed is taken again by the process that let it go", async () => {
    const lock = await WriterLock.acquire(file);
    const content = await readFile(file, "utf8");
    // What is not a file cannot be read.
    await rm(file);
    await mkdir(file);
    await expect(lock.release()).rejects.toMatchObject({ code: "STORE_FAILED" });
    await rm(file, { recursive: true });
    await writeFile(file, content);
    const again = await WriterLock.acquire(file);
    await expect(WriterLock.acquire(file)).rejects.toMatchObject({ code: "STORE_LOCKED" });
    await again.release();
  });

  it("is held by one, and passes on when it is let go", async () => {
    const lock = await WriterLock.acquire(file);
    await expect(WriterLock.acquire(file)).rejects.toMatchObject({
      code: "STORE_LOCKED",
      message: expect.stringContaining(`process ${process.pid}`),
    });
    await lock.check();
    await lock.release();
    expect(await readdir(folder)).toEqual([]);
    await (await WriterLock.acquire(file)).release();
  });

  it("of a process of this machine that is gone is taken over at once", async () => {
    const owner = await ownerFile();
    const child = spawn(process.execPath, ["-e", ""]);
    await once(child, "exit");
    await writeFile(file, JSON.stringify({ ...owner, pid: child.pid }));
    const lock = await WriterLock.acquire(file);
    await lock.check();
    await lock.release();
  });

  it("clears away what a process left that was killed while it made the lock, and nothing else", async () => {
    const owner = await ownerFile();
    const child = spawn(process.execPath, ["-e", ""]);
    await once(child, "exit");
    await writeFile(`${file}.dead.tmp`, JSON.stringify({ ...owner, pid: child.pid }));
    await writeFile(`${file}.alive.tmp`, JSON.stringify(owner));
    await writeFile(`${file}.cut.tmp`, "");
    const lock = await WriterLock.acquire(file);
    expect((await readdir(folder)).sort()).toEqual(["lock", "lock.alive.tmp", "lock.cut.tmp"]);
    await lock.release();
  });

  it("of a process whose pid another one has now is taken over", async () => {
    const owner = await ownerFile();
    if (owner.started === null) {
      // Systems that do not say when a process began: such a lock stays with the pid.
      await writeFile(file, JSON.stringify(owner));
      await expect(WriterLock.acquire(file)).rejects.toMatchObject({ code: "STORE_LOCKED" });
      return;
    }
    await writeFile(file, JSON.stringify({ ...owner, started: "1" }));
    await (await WriterLock.acquire(file)).release();
  });

  it.each([
    ["of another machine", (owner: object) => JSON.stringify({ ...owner, machine: "elsewhere" })],
    ["that nobody can read", () => ""],
  ])("%s is taken over when it shows no beat", async (_, content) => {
    await writeFile(file, content(await ownerFile()));
    const lock = await WriterLock.acquire(file, timing);
    await lock.check();
    await lock.release();
  });

  it("of another machine is respected as long as it beats", async () => {
    await writeFile(file, JSON.stringify({ ...(await ownerFile()), machine: "elsewhere" }));
    const beat = setInterval(() => utimes(file, new Date(), new Date()), 20);
    await expect(WriterLock.acquire(file, timing)).rejects.toMatchObject({ code: "STORE_LOCKED" });
    clearInterval(beat);
  });

  it("beats while it is held", async () => {
    const lock = await WriterLock.acquire(file, timing);
    await utimes(file, 1, 1);
    await expect
      .poll(async () => (await import("node:fs/promises")).stat(file).then(({ mtimeMs }) => mtimeMs))
      .toBeGreaterThan(1000);
    await lock.release();
  });

  it("that was taken over says so, and leaves the new owner's file alone", async () => {
    const lock = await WriterLock.acquire(file);
    await rm(file);
    const other = await WriterLock.acquire(file);
    await expect(lock.check()).rejects.toMatchObject({ code: "STORE_LOCKED" });
    await lock.release();
    await other.check();
    await other.release();
  });

  it("is won by one of many that come at once, over a dead one too", async () => {
    for (const content of [undefined, JSON.stringify({ ...(await ownerFile()), pid: 2 ** 22 + 1 })]) {
      if (content !== undefined) await writeFile(file, content);
      const results = await Promise.allSettled(Array.from({ length: 20 }, () => WriterLock.acquire(file)));
      const won = results.filter((result) => result.status === "fulfilled").map(({ value }) => value);
      const holding = await Promise.allSettled(won.map((lock) => lock.check()));
      expect(holding.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      for (const lock of won) await lock.release();
      await rm(file, { force: true });
    }
  });
});
