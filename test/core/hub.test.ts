import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs, {
  chmod,
  cp,
  link,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { createServer } from "node:http";
import { syncBuiltinESMExports } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { WaitingLock } from "../../packages/core/src/disk/waiting-lock.ts";
import { SparseEncoderError, type SparseEncoderErrorCode } from "../../packages/core/src/errors.ts";
import {
  fetchModel,
  type HubOptions,
  type HubProgress,
  wantedModelFiles,
} from "../../packages/core/src/model/hub/hub.ts";
import { defaultTiming, type HubTiming } from "../../packages/core/src/model/hub/timing.ts";
import { FakeHub, type FakeRepository, gitHash, recordedRepositories } from "../fakes/fake-hub.ts";

const timing: HubTiming = {
  attempts: 5,
  firstWait: 2,
  longestWait: 5000,
  silence: 400,
  stall: 60_000,
  total: 600_000,
  lockBeat: 50,
  lockSilence: 400,
};
const lockTiming = { beat: timing.lockBeat, silence: timing.lockSilence };

/** For answers that the test holds back. */
const patient: HubTiming = { ...timing, silence: 20_000 };

const commit = "0123456789abcdef0123456789abcdef01234567";
const token = "hf_AbCdEfGhIjKlMnOpQrStUvWxYz";
const signature = "storage-signature";

/** Content that differs at every place, so that a part put in a wrong place is noticed. */
const weights = Buffer.from(Uint32Array.from({ length: 400_000 }, (_, word) => word * 2654435761).buffer);

const repository: FakeRepository = {
  name: "organization/model",
  commit,
  revisions: ["v1.0", "refs/pr/1"],
  large: ["model.safetensors"],
  files: {
    ".gitattributes": Buffer.from("*.safetensors filter=lfs\n"),
    "1_SpladePooling/config.json": Buffer.from('{"pooling_strategy": "max"}'),
    "README.md": Buffer.from("# A model\n"),
    "config.json": Buffer.from('{"model_type": "bert"}'),
    "model.safetensors": weights,
    "modules.json": Buffer.from("[]"),
    "onnx/model.onnx": Buffer.from("onnx"),
    "pytorch_model.bin": Buffer.from("torch"),
    "tokenizer.json": Buffer.from("{}"),
    "vocab.txt": Buffer.alloc(0),
  },
};
const needed = [
  "1_SpladePooling/config.json",
  "config.json",
  "model.safetensors",
  "modules.json",
  "tokenizer.json",
  "vocab.txt",
];
const storageFile = /^storage:/;

let scratch: string;
let cacheDir: string;

beforeEach(async () => {
  for (const name of Object.keys(process.env)) {
    if (/^(HF_|HUGGING|TRANSFORMERS_|XDG_CACHE)|_PROXY$/i.test(name)) vi.stubEnv(name, undefined);
  }
  scratch = await mkdtemp(path.join(tmpdir(), "hub-"));
  cacheDir = path.join(scratch, "cache");
  // Nothing of the developer's own account or cache takes part.
  vi.stubEnv("HF_HOME", path.join(scratch, "home"));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await rm(scratch, { recursive: true, force: true });
});

function fetchFrom(
  { endpoint }: { endpoint: string },
  options: Partial<HubOptions> = {},
  name = repository.name,
  times = timing,
): Promise<string> {
  return fetchModel(name, { endpoint, cacheDir, wanted: wantedModelFiles(), ...options }, times);
}

async function failure(promise: Promise<unknown>, code: SparseEncoderErrorCode): Promise<SparseEncoderError> {
  const error = await promise.then(
    (value) => expect.unreachable(`resolved to ${String(value)}`),
    (reason: unknown) => reason,
  );
  if (!SparseEncoderError.is(error, code)) throw error;
  return error;
}

/** All files of a folder, links not followed. */
async function tree(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .sort();
}

async function expectWhole(folder: string, files: readonly string[] = needed): Promise<void> {
  expect(await tree(folder)).toEqual([...files].sort());
  for (const file of files) {
    expect((await readFile(path.join(folder, file))).equals(repository.files[file]!), file).toBe(true);
  }
}

const blobs = (): string => path.join(cacheDir, "models--organization--model/blobs");
const weightsBlob = async (): Promise<string> =>
  path.join(blobs(), path.basename(await readlink(path.join(snapshot(), "model.safetensors"))));
const snapshot = (): string => path.join(cacheDir, "models--organization--model/snapshots", commit);

/** An address at which nothing listens. */
async function deadEndpoint(): Promise<{ endpoint: string }> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return { endpoint: `http://127.0.0.1:${port}` };
}

/** A process that fetches the model, as another program on the machine would. */
function fetchInProcess(hub: FakeHub, user?: number) {
  const source = pathToFileURL(fileURLToPath(new URL("../../packages/core/src/model/hub/", import.meta.url)));
  const code = `
    const { fetchModel, wantedModelFiles } = await import("${source.href}hub.ts");
    const options = { endpoint: "${hub.endpoint}", cacheDir: ${JSON.stringify(cacheDir)}, wanted: wantedModelFiles() };
    try {
      console.log(await fetchModel("organization/model", options, ${JSON.stringify(patient)}));
    } catch (error) {
      console.log(error.code, error.message);
    }`;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", code], {
    stdio: ["ignore", "pipe", "inherit"],
    ...(user === undefined ? {} : { uid: user, gid: user }),
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const ended = once(child, "close").then(() => output.trim());
  return { child, ended };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  await vi.waitFor(async () => expect(await condition()).toBe(true), { timeout: 20_000, interval: 10 });
}

describe("download", () => {
  it("lays the cache out as huggingface_hub does", async () => {
    await using hub = await FakeHub.start(repository);
    const progress: HubProgress[] = [];
    const folder = await fetchFrom(hub, { onProgress: (event) => progress.push(event) });
    expect(folder).toBe(snapshot());
    await expectWhole(folder);
    const root = path.join(cacheDir, "models--organization--model");
    expect((await readdir(root)).sort()).toEqual(["blobs", "refs", "snapshots", "trees"]);
    expect(await readFile(path.join(root, "refs/main"), "utf8")).toBe(commit);
    expect(await readlink(path.join(folder, "config.json"))).toBe(
      `../../blobs/${gitHash(repository.files["config.json"]!)}`,
    );
    expect(await readlink(path.join(folder, "1_SpladePooling/config.json"))).toMatch(
      /^\.\.\/\.\.\/\.\.\/blobs\/[0-9a-f]{40}$/,
    );
    expect(await readlink(path.join(folder, "model.safetensors"))).toMatch(
      /^\.\.\/\.\.\/blobs\/[0-9a-f]{64}$/,
    );
    expect((await readdir(blobs())).every((name) => /^[0-9a-f]{40,64}$/.test(name))).toBe(true);
    // One body a file that was needed and is not empty.
    expect(hub.bodies()).toHaveLength(needed.length - 1);
    const events = progress.filter(({ file }) => file === "model.safetensors");
    expect(events[0]).toEqual({ file: "model.safetensors", received: 0, total: weights.length });
    expect(events.at(-1)).toEqual({
      file: "model.safetensors",
      received: weights.length,
      total: weights.length,
    });
    for (let event = 1; event < events.length; event++) {
      expect(events[event]!.received).toBeGreaterThan(events[event - 1]!.received);
    }
  });

  it("asks only for the commit when all files are there, and for nothing if the commit is given", async () => {
    await using hub = await FakeHub.start(repository);
    const folder = await fetchFrom(hub);
    hub.requests.length = 0;
    const onProgress = vi.fn();
    expect(await fetchFrom(hub, { onProgress })).toBe(folder);
    expect(hub.requests.map(({ path }) => path)).toEqual(["/api/models/organization/model/revision/main"]);
    hub.requests.length = 0;
    expect(await fetchFrom(hub, { revision: commit, onProgress })).toBe(folder);
    expect(hub.requests).toEqual([]);
    expect(onProgress).not.toHaveBeenCalled();
  });

  it("keeps contents of an older commit that are the same, and records each revision", async () => {
    await using hub = await FakeHub.start(repository);
    await fetchFrom(hub);
    const next = "f".repeat(40);
    const files = { ...repository.files, "config.json": Buffer.from('{"model_type": "roberta"}') };
    hub.add({ ...repository, commit: next, files });
    hub.requests.length = 0;
    const folder = await fetchFrom(hub, { revision: "refs/pr/1" });
    expect(path.basename(folder)).toBe(next);
    expect(await readFile(path.join(folder, "config.json"), "utf8")).toContain("roberta");
    expect(hub.bodies().map(({ path }) => path)).toEqual([`/organization/model/resolve/${next}/config.json`]);
    const refs = path.join(cacheDir, "models--organization--model/refs");
    expect(await readFile(path.join(refs, "refs/pr/1"), "utf8")).toBe(next);
    expect(await readFile(path.join(refs, "main"), "utf8")).toBe(commit);
  });

  it("reads a listing of several pages, and quotes names", async () => {
    const files: Record<string, Buffer> = {
      "config.json": Buffer.from("{}"),
      "a b/ü#?%.json": Buffer.from("1"),
    };
    for (let file = 0; file < 25; file++) files[`many/${file}.txt`] = Buffer.from(String(file));
    await using hub = await FakeHub.start({ name: "many", commit, files });
    hub.pageSize = 10;
    const folder = await fetchFrom(hub, { wanted: () => true }, "many");
    expect(await tree(folder)).toEqual(Object.keys(files).sort());
    expect(hub.requests.filter(({ path }) => path.includes("/tree/"))).toHaveLength(3);
  });

  it("says that a repository holds no model", async () => {
    await using hub = await FakeHub.start({ name: "data", commit, files: { "README.md": Buffer.from("#") } });
    const error = await failure(fetchFrom(hub, {}, "data"), "MODEL_NOT_FOUND");
    expect(error.message).toContain("none of its 1 files is needed");
    await failure(fetchFrom(hub, { localFilesOnly: true }, "data"), "HUB_OFFLINE");
  });

  it("sends the token to the hub only", async () => {
    await using hub = await FakeHub.start({ ...repository, token });
    await fetchFrom(hub, { token });
    const sent = hub.requests.map(({ server, authorization }) => `${server} ${authorization}`);
    expect(new Set(sent)).toEqual(new Set([`hub Bearer ${token}`, "storage undefined"]));
  });

  it("takes the token of the environment, and none if the option is empty", async () => {
    await using hub = await FakeHub.start({ ...repository, token });
    vi.stubEnv("HF_TOKEN", token);
    await failure(fetchFrom(hub, { token: "" }), "HUB_UNAUTHORIZED");
    await fetchFrom(hub);
  });

  it("takes endpoint and cache of the environment", async () => {
    await using hub = await FakeHub.start(repository);
    vi.stubEnv("HF_ENDPOINT", `${hub.endpoint}/`);
    const folder = await fetchModel(repository.name, { wanted: wantedModelFiles() }, timing);
    expect(folder.startsWith(path.join(scratch, "home/hub/models--organization--model/"))).toBe(true);
  });
});

describe("trouble on the way", () => {
  const part = 1_200_000;

  it.each([
    ["an answer 500", { status: 500 }],
    ["an answer 429", { status: 429 }],
    ["an answer 503", { status: 503, headers: { "Retry-After": "0" } }],
    ["a dropped connection", { drop: true }],
  ])("tries again after %s, of every request", async (_, fault) => {
    await using hub = await FakeHub.start(repository);
    for (const route of [/revision/, /tree/, /resolve.*model\.safetensors/, /^storage:/]) {
      hub.fail(route, fault, fault);
    }
    await expectWhole(await fetchFrom(hub));
  });

  it("waits as long as the server asks", async () => {
    await using hub = await FakeHub.start(repository);
    hub.fail(/revision/, { status: 429, headers: { "Retry-After": "1" } });
    const start = performance.now();
    await fetchFrom(hub);
    expect(performance.now() - start).toBeGreaterThan(990);
  });

  it("reads a date by the server's clock", async () => {
    await using hub = await FakeHub.start(repository);
    const headers = {
      Date: "Tue, 03 Mar 2020 10:00:00 GMT",
      "Retry-After": "Tue, 03 Mar 2020 10:00:01 GMT",
    };
    hub.fail(/revision/, { status: 503, headers });
    const start = performance.now();
    await fetchFrom(hub);
    expect(performance.now() - start).toBeGreaterThan(990);
  });

  it("does not wait for longer than it makes sense", async () => {
    await using hub = await FakeHub.start(repository);
    hub.fail(/revision/, { status: 429, headers: { "Retry-After": "3600" } });
    const error = await failure(fetchFrom(hub), "NETWORK");
    expect(error.message).toMatch(/limits the number of requests.*answered 429/);
    expect(hub.requests).toHaveLength(1);
  });

  it("goes on where a connection was cut", async () => {
    await using hub = await FakeHub.start(repository);
    hub.fail(storageFile, { cutAfter: part }, { cutAfter: 300_000 });
    await expectWhole(await fetchFrom(hub));
    const ranges = hub.bodies(/[0-9a-f]{64}$/).map(({ range }) => range);
    expect(ranges).toHaveLength(3);
    expect(ranges[0]).toBeUndefined();
    expect(ranges[1]).toMatch(/^bytes=[1-9]\d*-$/);
    expect(ranges[2]).toMatch(/^bytes=[1-9]\d*-$/);
  });

  it("goes on where an answer ended early without a length", async () => {
    await using hub = await FakeHub.start(repository);
    hub.fail(storageFile, { endAfter: part });
    await expectWhole(await fetchFrom(hub));
    expect(hub.bodies(/[0-9a-f]{64}$/).map(({ range }) => range)).toEqual([undefined, `bytes=${part}-`]);
  });

  it("gives up a silent connection and goes on", async () => {
    await using hub = await FakeHub.start(repository);
    hub.fail(storageFile, { pauseAfter: part });
    await expectWhole(await fetchFrom(hub));
    expect(hub.bodies(/[0-9a-f]{64}$/).map(({ range }) => range)).toEqual([undefined, `bytes=${part}-`]);
  });

  it.each([
    ["ignores the range", { ignoreRange: true }],
    [
      "sends another range",
      { headers: { "Content-Range": `bytes 5-${weights.length - 1}/${weights.length}` } },
    ],
    ["sends the range of another file", { headers: { "Content-Range": `bytes ${part}-99/100` } }],
    ["refuses the range", { status: 416 }],
  ])("starts over if the server %s", async (_, fault) => {
    await using hub = await FakeHub.start(repository);
    hub.fail(storageFile, { endAfter: part }, fault);
    await expectWhole(await fetchFrom(hub));
    const ranges = hub.requests.filter(({ server }) => server === "storage").map(({ range }) => range);
    expect(ranges.slice(0, 2)).toEqual([undefined, `bytes=${part}-`]);
    if (!("ignoreRange" in fault)) expect(ranges[2]).toBeUndefined();
  });

  it("asks again if what it received has the wrong checksum", async () => {
    await using hub = await FakeHub.start(repository);
    hub.fail(storageFile, { content: Buffer.alloc(weights.length) });
    hub.fail(/resolve.*1_SpladePooling/, { content: Buffer.alloc(27, "x") });
    await expectWhole(await fetchFrom(hub));
  });

  it("counts attempts anew when bytes arrive", async () => {
    const large = Buffer.concat([weights, weights, weights, weights, weights]);
    await using hub = await FakeHub.start({
      ...repository,
      files: { ...repository.files, "model.safetensors": large },
    });
    hub.fail(storageFile, ...Array.from({ length: 7 }, () => ({ endAfter: 1_100_000 })));
    const folder = await fetchFrom(hub);
    expect((await readFile(path.join(folder, "model.safetensors"))).equals(large)).toBe(true);
  });

  it("gives up after five attempts without progress, and resumes in the next call", async () => {
    await using hub = await FakeHub.start(repository);
    hub.fail(storageFile, { endAfter: part }, ...Array.from({ length: 4 }, () => ({ endAfter: 0 })));
    const error = await failure(fetchFrom(hub), "DOWNLOAD_CORRUPT");
    expect(error.message).toContain(`ended after ${part} of ${weights.length} bytes`);
    expect(hub.requests.filter(({ server }) => server === "storage")).toHaveLength(5);
    expect((await readdir(blobs())).filter((name) => name.endsWith(".incomplete"))).toHaveLength(1);
    hub.requests.length = 0;
    const received: number[] = [];
    const onProgress = ({ file, received: bytes }: HubProgress): void => {
      if (file === "model.safetensors") received.push(bytes);
    };
    await expectWhole(await fetchFrom(hub, { onProgress }));
    expect(received[0]).toBe(part);
    expect(hub.bodies(/[0-9a-f]{64}$/).map(({ range }) => range)).toEqual([`bytes=${part}-`]);
    expect((await readdir(blobs())).filter((name) => name.endsWith(".incomplete"))).toEqual([]);
  });

  it.each([
    ["a wrong checksum", { content: Buffer.alloc(weights.length) }, "SHA-256"],
    ["too many bytes", { content: Buffer.concat([weights, weights]) }, "instead of"],
    [
      "too many bytes without a length",
      { content: Buffer.concat([weights, weights]), withoutLength: true },
      "more bytes",
    ],
    ["another length", { content: Buffer.from("<html>Log in</html>") }, "has 19 bytes instead of"],
  ])("refuses a file with %s", async (_, fault, problem) => {
    await using hub = await FakeHub.start(repository);
    hub.fail(storageFile, ...Array.from({ length: 5 }, () => fault));
    const error = await failure(fetchFrom(hub), "DOWNLOAD_CORRUPT");
    expect(error.message).toContain(problem);
    expect(error.message).toContain("model.safetensors");
    const left = await readdir(blobs());
    expect(left.filter((name) => name.length !== 40)).toEqual([]);
    hub.heal();
    await expectWhole(await fetchFrom(hub));
  });

  it("refuses early if the hub contradicts its own listing", async () => {
    for (const headers of [{ "X-Linked-ETag": `"${"a".repeat(64)}"` }, { "X-Linked-Size": "5" }]) {
      await using hub = await FakeHub.start({ ...repository, linked: headers });
      await failure(fetchFrom(hub), "DOWNLOAD_CORRUPT");
      expect(hub.bodies(/model\.safetensors/)).toEqual([]);
    }
  });
});

describe("a hub without end", () => {
  it("is left when its listing has more pages than any", async () => {
    await using hub = await FakeHub.start(repository);
    hub.endlessPages = true;
    const error = await failure(fetchFrom(hub), "HUB_INVALID");
    expect(error.message).toContain("more than 1000 pages");
    expect(hub.requests.length).toBeLessThan(1100);
  });

  it("is left when names have more characters than any", async () => {
    const listed = { "config.json": { path: "config".repeat(40_000) } };
    await using hub = await FakeHub.start({ ...repository, listed });
    const error = await failure(fetchFrom(hub), "HUB_INVALID");
    expect(error.message).toContain("describes a file wrongly");
    expect(error.message.length).toBeLessThan(1000);
  });

  it("is left when bytes come again and again, but the file does not grow", async () => {
    await using hub = await FakeHub.start(repository);
    const again = Array.from({ length: 50 }, () => [{ cutAfter: 1_500_000 }, { status: 416 }]).flat();
    hub.fail(storageFile, ...again);
    await failure(fetchFrom(hub), "NETWORK");
    expect(hub.requests.filter(({ server }) => server === "storage").length).toBeLessThan(20);
  });

  it("is left when a file drips", async () => {
    await using hub = await FakeHub.start(repository);
    hub.fail(storageFile, ...Array.from({ length: 5 }, () => ({ drip: true })));
    const error = await failure(fetchFrom(hub, {}, repository.name, { ...timing, stall: 150 }), "NETWORK");
    expect(error.message).toContain("too slow for 0.15 seconds");
  });

  it("is left after the time that a model may take in all, unless the caller left before", async () => {
    await using hub = await FakeHub.start(repository);
    hub.fail(storageFile, { drip: true }, { drip: true });
    const error = await failure(fetchFrom(hub, {}, repository.name, { ...timing, total: 300 }), "NETWORK");
    expect(error.message).toContain("did not arrive within");
    await failure(fetchFrom(hub, { signal: AbortSignal.timeout(100) }), "ABORTED");
  });
});

describe("refusals of the hub", () => {
  it("says what a 401 can mean", async () => {
    await using hub = await FakeHub.start({ ...repository, token });
    const without = await failure(fetchFrom(hub), "HUB_UNAUTHORIZED");
    expect(without.message).toMatch(
      /its name is wrong, or it is private.*HF_TOKEN\. No token was sent\..*answered 401/,
    );
    const wrong = await failure(fetchFrom(hub, { token: "hf_wrong" }), "HUB_UNAUTHORIZED");
    expect(wrong.message).toMatch(/token is not accepted.*A token was sent/);
    const unknown = await failure(fetchFrom(hub, {}, "organization/unknown"), "HUB_UNAUTHORIZED");
    expect(unknown.message).toContain('"organization/unknown"');
    expect(await tree(cacheDir).catch(() => [])).toEqual([]);
  });

  it.each([undefined, token])("says how to get access to a gated model (token: %s)", async (given) => {
    await using hub = await FakeHub.start({ ...repository, gated: true });
    const error = await failure(fetchFrom(hub, { token: given }), "HUB_GATED");
    expect(error.message).toContain(`Ask for access on ${hub.endpoint}/organization/model`);
    expect(error.message).toContain(given === undefined ? "No token was sent" : "A token was sent");
    expect((error.cause as { status: number }).status).toBe(given === undefined ? 401 : 403);
  });

  it("tells a missing model, revision and file apart", async () => {
    await using hub = await FakeHub.start(repository);
    const model = await failure(fetchFrom(hub, { token }, "organization/unknown"), "HUB_NOT_FOUND");
    expect(model.message).toMatch(/^There is no model "organization\/unknown" on http/);
    const revision = await failure(fetchFrom(hub, { revision: "v9" }), "HUB_NOT_FOUND");
    expect(revision.message).toMatch(/^The model "organization\/model" has no revision "v9"\./);
    hub.fail(/resolve.*tokenizer/, { status: 404, headers: { "X-Error-Code": "EntryNotFound" } });
    const file = await failure(fetchFrom(hub), "HUB_NOT_FOUND");
    expect(file.message).toMatch(/^The model "organization\/model" has no file "tokenizer.json" at main\./);
  });

  it("says that the server fails, or is not there", async () => {
    await using hub = await FakeHub.start(repository);
    hub.fail(/revision/, ...Array.from({ length: 5 }, () => ({ status: 502 })));
    const failing = await failure(fetchFrom(hub), "NETWORK");
    expect(failing.message).toMatch(/answered 502/);
    expect(hub.requests).toHaveLength(5);
    const gone = await failure(fetchFrom(await deadEndpoint()), "NETWORK");
    expect(gone.message).toMatch(/cannot be reached: fetch failed: .*ECONNREFUSED.*Check the connection/);
    expect((gone.cause as NodeJS.ErrnoException).code).toBe("ECONNREFUSED");
    const unknownHost = await failure(fetchFrom({ endpoint: "http://no-such-host.invalid" }), "NETWORK");
    expect(unknownHost.message).toContain("no-such-host.invalid");
  });

  it("asks storage for a new address when one has run out", async () => {
    await using hub = await FakeHub.start(repository);
    hub.fail(storageFile, { status: 403 });
    await expectWhole(await fetchFrom(hub));
    expect(hub.requests.filter(({ path }) => path.endsWith("/model.safetensors"))).toHaveLength(2);
  });

  it.each([
    ["a page instead of JSON", /revision/, { status: 200, content: Buffer.from("<html>Log in</html>") }],
    ["no commit", /revision/, { status: 200, content: Buffer.from('{"sha": "../../x"}') }],
    ["no list", /tree/, { status: 200, content: Buffer.from('{"files": 1}') }],
    [
      "a file without a size",
      /tree/,
      { status: 200, content: Buffer.from('[{"type": "file", "path": "a"}]') },
    ],
    ["a redirect to itself", /revision/, { status: 302, headers: { Location: "/loop" } }],
    ["a redirect to a file", /revision/, { status: 302, headers: { Location: "file:///etc/passwd" } }],
    ["a redirect to nowhere", /revision/, { status: 302 }],
  ])("refuses %s", async (_, route, fault) => {
    await using hub = await FakeHub.start(repository);
    hub.fail(route, fault);
    hub.fail(/loop/, ...Array.from({ length: 20 }, () => fault));
    await failure(fetchFrom(hub), "HUB_INVALID");
    expect((await tree(cacheDir).catch(() => [])).filter((file) => !file.includes("trees"))).toEqual([]);
  });
});

describe("what a repository may not do", () => {
  it.each([
    "../evil",
    "a/../../evil",
    "..",
    "/etc/evil",
    "a//b",
    "./a",
    "a/.",
    "a\\..\\..\\evil",
    "\\\\host\\share",
    "C:/evil",
    "a/C:evil",
    "a\0b",
  ])("write to %j", async (evil) => {
    const files = { ...repository.files, [evil]: Buffer.from("evil") };
    await using hub = await FakeHub.start({ ...repository, files });
    const error = await failure(fetchFrom(hub, { wanted: () => true }), "HUB_INVALID");
    expect(error.message).toContain("outside the cache");
    expect(hub.bodies()).toEqual([]);
    expect((await tree(scratch)).filter((file) => file.includes("evil"))).toEqual([]);
    // It does not stand in the way of a model that needs no such file.
    await expectWhole(await fetchFrom(hub));
  });

  it.each([
    { oid: "../../../../evil" },
    { oid: "A".repeat(40) },
    { oid: 5 },
    { lfs: { oid: "evil", size: 2 } },
  ])("name its contents %j", async (listed) => {
    await using hub = await FakeHub.start({ ...repository, listed: { "config.json": listed } });
    await failure(fetchFrom(hub), "HUB_INVALID");
    expect(await tree(scratch)).toEqual([]);
  });
});

describe("secrets", () => {
  it("appear in no error", async () => {
    await using hub = await FakeHub.start({ ...repository, token });
    const echo = {
      "X-Error-Message": `${token} is not welcome`,
      Location: `${hub.endpoint}/${token}?key=${signature}`,
    };
    const content = Buffer.from(`<html>${token}</html>`);
    const always = (fault: object) => Array.from({ length: 6 }, () => fault);
    const errors: unknown[] = [];
    for (const [route, fault] of [
      [/revision/, { status: 401, headers: echo, content }],
      [/revision/, { status: 403, headers: echo, content }],
      [/revision/, { status: 404, headers: echo, content }],
      [/revision/, { status: 500, headers: echo, content }],
      [/revision/, { status: 200, content }],
      [/revision/, { drop: true }],
      [/revision|AbCd/, { status: 302, headers: echo }],
      [/^storage:/, { status: 403, headers: echo }],
      [/^storage:/, { status: 404, headers: echo }],
      [/^storage:/, { drop: true }],
      [/^storage:/, { cutAfter: 0 }],
      [/^storage:/, { endAfter: 10 }],
      [/^storage:/, { content: Buffer.alloc(weights.length) }],
      [
        /^storage:/,
        { status: 302, headers: { Location: `http://user:${token}@127.0.0.1/?key=${signature}` } },
      ],
    ] as const) {
      hub.heal();
      hub.fail(route, ...always(fault), ...always(fault));
      errors.push(await fetchFrom(hub, { token }).catch((error: unknown) => error));
    }
    errors.push(await fetchFrom(await deadEndpoint(), { token }).catch((error: unknown) => error));
    errors.push(await fetchFrom(hub, { token: `${token}\n` }).catch((error: unknown) => error));
    const password = { endpoint: `http://user:${token}@127.0.0.1:1` };
    errors.push(await fetchFrom(password).catch((error: unknown) => error));
    errors.push(
      await fetchFrom(hub, { token: [token] as unknown as string }).catch((error: unknown) => error),
    );
    for (const error of errors) {
      expect(SparseEncoderError.is(error), String(error)).toBe(true);
      const shown = inspect(error, { depth: 20, showHidden: true, getters: true }) + (error as Error).stack;
      expect(shown).not.toContain(token);
      expect(shown).not.toContain(signature);
      expect(shown).not.toContain("Policy=");
    }
  });
});

describe("cache", () => {
  it("replaces entries that are damaged or lead nowhere", async () => {
    await using hub = await FakeHub.start(repository);
    await fetchFrom(hub);
    await truncate(await weightsBlob(), 1000);
    await rm(path.join(blobs(), gitHash(repository.files["config.json"]!)));
    await rm(path.join(snapshot(), "tokenizer.json"));
    const offline = await failure(fetchFrom(hub, { localFilesOnly: true }), "HUB_OFFLINE");
    expect(offline.message).toContain("config.json, model.safetensors, tokenizer.json missing or damaged");
    hub.requests.length = 0;
    await expectWhole(await fetchFrom(hub));
    expect(hub.bodies()).toHaveLength(2);
    expect((await readdir(blobs())).filter((name) => !/^[0-9a-f]+$/.test(name))).toEqual([]);
  });

  it("asks again for a listing that is broken", async () => {
    await using hub = await FakeHub.start(repository);
    await fetchFrom(hub);
    const record = path.join(cacheDir, "models--organization--model/trees", `${commit}.json`);
    const good = await readFile(record, "utf8");
    for (const text of [
      "",
      "{",
      '{"format_version": 2, "files": {}}',
      '{"format_version": 1, "files": {"a": {}}}',
    ]) {
      await writeFile(record, text);
      hub.requests.length = 0;
      await fetchFrom(hub);
      expect(hub.requests.map(({ path }) => path.split("/")[5])).toEqual(["revision", "tree"]);
      expect(await readFile(record, "utf8")).toBe(good);
    }
  });

  it("takes over nothing but its own part downloads", async () => {
    await using hub = await FakeHub.start(repository);
    await fetchFrom(hub);
    const blob = await weightsBlob();
    await rm(blob);
    const pythons = [`${blob}.incomplete`, `${blob}.0a1b2c3d.incomplete`];
    for (const file of pythons) await writeFile(file, weights.subarray(0, 10));
    const own = (digits: string) => `${blob}.${digits}.sparse-encoder.incomplete`;
    await writeFile(own("00000001"), weights.subarray(0, 1000));
    await writeFile(own("00000002"), weights.subarray(0, 2000));
    await writeFile(own("00000003"), weights.subarray(0, 500));
    hub.requests.length = 0;
    await expectWhole(await fetchFrom(hub));
    expect(hub.bodies().map(({ range }) => range)).toEqual(["bytes=2000-"]);
    expect((await readdir(blobs())).filter((name) => name.endsWith(".incomplete")).sort()).toEqual(
      pythons.map((file) => path.basename(file)).sort(),
    );
  });

  it("does not follow links that lie where its parts would be", async () => {
    await using hub = await FakeHub.start(repository);
    await fetchFrom(hub);
    const blob = await weightsBlob();
    const elsewhere = path.join(scratch, "elsewhere");
    for (const plant of [symlink, link]) {
      await rm(blob);
      await writeFile(elsewhere, "mine");
      await plant(elsewhere, `${blob}.00000000.sparse-encoder.incomplete`);
      await expectWhole(await fetchFrom(hub));
      expect(await readFile(elsewhere, "utf8")).toBe("mine");
    }
  });

  it("hashes its files when it is asked to, and replaces what was changed", async () => {
    await using hub = await FakeHub.start(repository);
    const folder = await fetchFrom(hub);
    const blob = await weightsBlob();
    const changed = Buffer.from(weights);
    changed[1000]! ^= 1;
    await writeFile(blob, changed);
    // The size is the same.
    expect((await readFile(path.join(await fetchFrom(hub), "model.safetensors"))).equals(changed)).toBe(true);
    const offline = { localFilesOnly: true, verifyFiles: true };
    const error = await failure(fetchFrom(hub, offline), "HUB_OFFLINE");
    expect(error.message).toContain("model.safetensors missing or damaged");
    hub.requests.length = 0;
    await expectWhole(await fetchFrom(hub, { verifyFiles: true }));
    expect(hub.bodies()).toHaveLength(1);
    expect(await fetchFrom(hub, offline)).toBe(folder);
  });

  it("repairs a part download that holds wrong or too many bytes", async () => {
    await using hub = await FakeHub.start(repository);
    await fetchFrom(hub);
    const blob = await weightsBlob();
    for (const left of [Buffer.alloc(1000), weights.subarray(0, -4), Buffer.concat([weights, weights])]) {
      await rm(blob);
      await writeFile(`${blob}.00000000.sparse-encoder.incomplete`, left);
      await expectWhole(await fetchFrom(hub));
    }
    // A part that is whole needs no request.
    await rm(blob);
    await writeFile(`${blob}.00000000.sparse-encoder.incomplete`, weights);
    hub.requests.length = 0;
    await expectWhole(await fetchFrom(hub));
    expect(hub.bodies()).toEqual([]);
  });

  it("writes files where links are turned off or refused", async () => {
    await using hub = await FakeHub.start(repository);
    vi.stubEnv("HF_HUB_DISABLE_SYMLINKS", "1");
    const folder = await fetchFrom(hub);
    await expectWhole(folder);
    expect((await lstat(path.join(folder, "model.safetensors"))).isFile()).toBe(true);
    vi.stubEnv("HF_HUB_DISABLE_SYMLINKS", "0");
    await rm(path.join(folder, "config.json"));
    const refused = Object.assign(new Error("refused"), { code: "EPERM", syscall: "symlink" });
    vi.spyOn(fs, "symlink").mockRejectedValue(refused);
    vi.spyOn(fs, "link").mockRejectedValue(refused);
    syncBuiltinESMExports();
    try {
      await expectWhole(await fetchFrom(hub));
    } finally {
      vi.restoreAllMocks();
      syncBuiltinESMExports();
    }
    const copy = await lstat(path.join(folder, "config.json"));
    expect(copy.isFile() && copy.nlink).toBe(1);
  });

  it("says that the disk is full", async () => {
    await using hub = await FakeHub.start(repository);
    const handle = await open(path.join(scratch, "any"), "w");
    const full = Object.assign(new Error("ENOSPC: no space left on device, write"), {
      code: "ENOSPC",
      syscall: "write",
    });
    const prototype = Object.getPrototypeOf(handle) as typeof handle;
    const write = prototype.write;
    await handle.close();
    vi.spyOn(prototype, "write").mockImplementation(function (this: typeof handle, ...given: unknown[]) {
      if ((given[3] as number) > 500_000) return Promise.reject(full);
      return Reflect.apply(write, this, given) as ReturnType<typeof write>;
    } as typeof write);
    const error = await failure(fetchFrom(hub), "CACHE_UNWRITABLE");
    expect(error.message).toContain(`The cache ${cacheDir} cannot be written, storing model.safetensors`);
    expect(error.message).toContain("the disk is full. Make room");
    expect(error.cause).toBe(full);
    expect((await readdir(blobs())).filter((name) => name.length === 64)).toEqual([]);
    vi.restoreAllMocks();
    await expectWhole(await fetchFrom(hub));
    // What fitted was not downloaded twice.
    expect(hub.bodies(/[0-9a-f]{64}$/).at(-1)!.range).toMatch(/^bytes=[1-9]/);
  });

  it("lives through a disk that is full, then read-only", async ({ skip }) => {
    await mkdir(cacheDir);
    const mount = (...options: string[]): boolean =>
      spawnSync("mount", [...options, cacheDir], { stdio: "ignore" }).status === 0;
    if (!mount("-t", "tmpfs", "-o", "size=1m", "tmpfs")) skip("file systems cannot be mounted here");
    try {
      await using hub = await FakeHub.start(repository);
      const full = await failure(fetchFrom(hub), "CACHE_UNWRITABLE");
      expect(full.message).toContain("the disk is full");
      expect((full.cause as NodeJS.ErrnoException).code).toBe("ENOSPC");
      mount("-o", "remount,size=8m");
      const folder = await fetchFrom(hub);
      await expectWhole(folder);
      mount("-o", "remount,ro");
      expect(await fetchFrom(hub)).toBe(folder);
      expect(await fetchFrom(hub, { revision: "v1.0" })).toBe(folder);
      const error = await failure(fetchFrom(hub, { wanted: () => true }), "CACHE_UNWRITABLE");
      expect(error.message).toContain("the file system is read-only");
    } finally {
      spawnSync("umount", [cacheDir]);
    }
  });

  it("says that the cache cannot be written, unless nothing is to be written", async () => {
    await using hub = await FakeHub.start(repository);
    const root = process.getuid?.() === 0;
    const user = root ? 65534 : undefined;
    await mkdir(cacheDir);
    await chmod(scratch, 0o755);
    await chmod(cacheDir, 0o555);
    expect(await fetchInProcess(hub, user).ended).toMatch(
      /^CACHE_UNWRITABLE The cache .*: permission is denied\. Make it writable, or name another folder/,
    );
    await chmod(cacheDir, 0o755);
    const folder = await fetchFrom(hub);
    // Another user, or the same one without the right to write, reads it.
    const folders = await readdir(cacheDir, { recursive: true, withFileTypes: true });
    const all = folders
      .filter((entry) => entry.isDirectory())
      .map((entry) => path.join(entry.parentPath, entry.name));
    for (const entry of [cacheDir, ...all]) await chmod(entry, 0o555);
    try {
      expect(await fetchInProcess(hub, user).ended).toBe(folder);
    } finally {
      for (const entry of [cacheDir, ...all]) await chmod(entry, 0o755);
    }
  });

  it("says that the cache is not a folder", async () => {
    await using hub = await FakeHub.start(repository);
    await writeFile(cacheDir, "a file");
    const error = await failure(fetchFrom(hub), "CACHE_UNWRITABLE");
    expect(error.message).toMatch(/the file system answered (ENOTDIR|EEXIST) to mkdir/);
  });
});

describe("without the hub", () => {
  it("uses a whole copy when requests are turned off, and says what is missing otherwise", async () => {
    await using hub = await FakeHub.start(repository);
    const never = await failure(fetchFrom(hub, { localFilesOnly: true }), "HUB_OFFLINE");
    expect(never.message).toContain("it was never downloaded");
    vi.stubEnv("HF_HUB_OFFLINE", "1");
    await failure(fetchFrom(hub), "HUB_OFFLINE");
    expect(hub.requests).toEqual([]);
    const folder = await fetchFrom(hub, { localFilesOnly: false });
    hub.requests.length = 0;
    expect(await fetchFrom(hub)).toBe(folder);
    expect(await fetchFrom(hub, { revision: commit })).toBe(folder);
    await failure(fetchFrom(hub, { revision: "v1.0" }), "HUB_OFFLINE");
    expect(hub.requests).toEqual([]);
  });

  it("uses a whole copy when the hub does not answer or refuses", async () => {
    await using hub = await FakeHub.start(repository);
    const folder = await fetchFrom(hub);
    expect(await fetchFrom(await deadEndpoint())).toBe(folder);
    for (const fault of [
      { status: 500 },
      { status: 401 },
      { status: 403 },
      { status: 404 },
      { drop: true },
    ]) {
      hub.requests.length = 0;
      hub.fail(/revision/, fault);
      expect(await fetchFrom(hub)).toBe(folder);
      // Nobody waits for a hub that is not needed.
      expect(hub.requests).toHaveLength(1);
    }
    hub.add({ ...repository, commit: "f".repeat(40) });
    hub.fail(/tree/, { status: 500 });
    expect(await fetchFrom(hub)).toBe(folder);
    hub.fail(/revision/, { status: 404, headers: { "X-Error-Code": "RevisionNotFound" } });
    await failure(fetchFrom(hub), "HUB_NOT_FOUND");
  });

  it("does not use a copy that lacks a file", async () => {
    await using hub = await FakeHub.start(repository);
    await rm(path.join(await fetchFrom(hub), "tokenizer.json"));
    await failure(fetchFrom(await deadEndpoint()), "NETWORK");
  });
});

describe("a cache made by huggingface_hub", () => {
  const [whole, byFile] = recordedRepositories as [FakeRepository, FakeRepository];
  const files = [
    "1_SpladePooling/config.json",
    "config.json",
    "model.safetensors",
    "modules.json",
    "tokenizer.json",
  ];

  beforeEach(async () => {
    await cp(new URL("../fixtures/hub-cache", import.meta.url), cacheDir, {
      recursive: true,
      verbatimSymlinks: true,
    });
  });

  it.each([
    [whole, "main"],
    [whole, whole.commit],
    [byFile, "v1.0"],
    [byFile, byFile.commit],
  ])("is used without a request", async ({ name, commit: wanted, files: contents }, revision) => {
    const before = await tree(cacheDir);
    for (const options of [{ localFilesOnly: true }, await deadEndpoint()]) {
      const folder = await fetchFrom({ endpoint: "http://unused.invalid" }, { ...options, revision }, name);
      expect(path.basename(folder)).toBe(wanted);
      for (const file of files) {
        expect((await readFile(path.join(folder, file))).equals(contents[file]!), file).toBe(true);
      }
    }
    expect(await tree(cacheDir)).toEqual(before);
  });

  it("needs no file from the hub", async () => {
    await using hub = await FakeHub.start(whole, byFile);
    await fetchFrom(hub, {}, whole.name);
    await fetchFrom(hub, { revision: "v1.0" }, byFile.name);
    expect(hub.requests.map(({ path }) => path.split("/").slice(4, 6).join(" "))).toEqual([
      "whole revision",
      "file-by-file revision",
      "file-by-file tree",
    ]);
  });

  it("gets the same listing and links as Python writes", async () => {
    await using hub = await FakeHub.start(whole);
    const python = path.join(cacheDir, "models--organization--whole");
    const record = `trees/${whole.commit}.json`;
    cacheDir = path.join(scratch, "own");
    const folder = await fetchFrom(hub, { wanted: () => true }, whole.name);
    const own = path.join(cacheDir, "models--organization--whole");
    expect(await readFile(path.join(own, record), "utf8")).toBe(
      await readFile(path.join(python, record), "utf8"),
    );
    expect(await tree(own)).toEqual(await tree(python));
    for (const file of await tree(folder)) {
      expect(await readlink(path.join(folder, file))).toBe(
        await readlink(path.join(python, "snapshots", whole.commit, file)),
      );
    }
  });

  it.each(["config.json", "model.safetensors", "1_SpladePooling/config.json"])(
    "is not used for a model that lacks %s",
    async (file) => {
      await rm(path.join(cacheDir, "models--organization--file-by-file/snapshots", byFile.commit, file));
      const options = { revision: "v1.0", localFilesOnly: true };
      const error = await failure(
        fetchFrom({ endpoint: "http://unused.invalid" }, options, byFile.name),
        "HUB_OFFLINE",
      );
      expect(error.message).toContain("missing");
    },
  );

  it("is not used for a model that lacks a part of its weights", async () => {
    const folder = path.join(cacheDir, "models--organization--file-by-file/snapshots", byFile.commit);
    await rm(path.join(folder, "model.safetensors"));
    await writeFile(path.join(folder, "model-00001-of-00002.safetensors"), "1");
    await writeFile(path.join(folder, "model.safetensors.index.json"), "{}");
    const options = { revision: "v1.0", localFilesOnly: true };
    const error = await failure(
      fetchFrom({ endpoint: "http://unused.invalid" }, options, byFile.name),
      "HUB_OFFLINE",
    );
    expect(error.message).toContain("model-00002-of-00002.safetensors is missing");
  });

  it("is repaired where a file is broken", async () => {
    await using hub = await FakeHub.start(byFile);
    const folder = path.join(cacheDir, "models--organization--file-by-file/snapshots", byFile.commit);
    await truncate(path.join(folder, "modules.json"), 5);
    const options = { revision: "v1.0", localFilesOnly: true };
    const error = await failure(fetchFrom(hub, options, byFile.name), "HUB_OFFLINE");
    expect(error.message).toContain("modules.json is broken");
    await fetchFrom(hub, { revision: "v1.0" }, byFile.name);
    expect(await readFile(path.join(folder, "modules.json"))).toEqual(byFile.files["modules.json"]);
  });

  it("may keep contents in a store that several models share", async () => {
    const folder = path.join(cacheDir, "models--organization--whole");
    const blob = path.join(
      folder,
      "blobs",
      path.basename(await readlink(path.join(folder, "snapshots", whole.commit, "model.safetensors"))),
    );
    await mkdir(path.join(cacheDir, "blobs/ab"), { recursive: true });
    await fs.rename(blob, path.join(cacheDir, "blobs/ab/abcdef"));
    await symlink("../../blobs/ab/abcdef", blob);
    const found = await fetchFrom(await deadEndpoint(), {}, whole.name);
    expect(
      (await readFile(path.join(found, "model.safetensors"))).equals(whole.files["model.safetensors"]!),
    ).toBe(true);
  });
});

describe("processes", () => {
  it("take up the download of one that was killed", async () => {
    await using hub = await FakeHub.start(repository);
    hub.fail(storageFile, { pauseAfter: 1_500_000 });
    const { child, ended } = fetchInProcess(hub);
    const part = async (): Promise<string | undefined> =>
      (await readdir(blobs()).catch(() => [])).find((name) => name.endsWith(".incomplete"));
    await until(async () => {
      const name = await part();
      return name !== undefined && (await stat(path.join(blobs(), name))).size === 1_500_000;
    });
    child.kill("SIGKILL");
    await ended;
    expect((await readdir(blobs())).filter((name) => name.length === 64)).toEqual([]);
    const locks = async (): Promise<string[]> =>
      (await tree(path.join(cacheDir, ".locks"))).filter((name) => /[0-9a-f]{64}/.test(name));
    expect(await locks()).toHaveLength(1);
    hub.requests.length = 0;
    // It is known to be dead: nobody waits until it has been silent for long.
    await expectWhole(await fetchFrom(hub, {}, repository.name, { ...timing, lockSilence: 600_000 }));
    expect(hub.bodies(/[0-9a-f]{64}$/).map(({ range }) => range)).toEqual(["bytes=1500000-"]);
    expect(await part()).toBeUndefined();
    expect(await locks()).toEqual([]);
  });

  it("download each file once between them", async () => {
    await using hub = await FakeHub.start(repository);
    hub.fail(storageFile, { pauseAfter: 1_000_000 });
    const first = fetchInProcess(hub);
    const second = fetchInProcess(hub);
    const third = fetchFrom(hub, {}, repository.name, patient);
    await until(() => hub.requests.filter(({ path }) => path.includes("/revision/")).length === 3);
    await until(() => hub.requests.some(({ server }) => server === "storage"));
    await new Promise((resolve) => setTimeout(resolve, 300));
    hub.resume();
    expect(new Set([await first.ended, await second.ended, await third])).toEqual(new Set([snapshot()]));
    await expectWhole(snapshot());
    const bodies = hub.bodies().map(({ path }) => path);
    expect(bodies.toSorted()).toEqual([...new Set(bodies)].sort());
    expect(bodies).toHaveLength(needed.length - 1);
  });

  it("do not hold a lock beyond their life, nor without a sign of it", async () => {
    const file = path.join(scratch, "any.lock");
    const elapsed = async (times = lockTiming): Promise<number> => {
      const start = performance.now();
      await (await WaitingLock.acquire(file, times, undefined)).release();
      return performance.now() - start;
    };
    const own = await WaitingLock.acquire(file, lockTiming, undefined);
    const owner = JSON.parse(await readFile(file, "utf8")) as { pid: number; machine: string };
    await own.release();
    const dead = spawn(process.execPath, ["--version"], { stdio: "ignore" });
    await once(dead, "close");
    await writeFile(file, JSON.stringify({ ...owner, id: "1", pid: dead.pid }));
    await elapsed({ ...lockTiming, silence: 600_000 });
    for (const content of [
      JSON.stringify({ ...owner, id: "2", pid: dead.pid, machine: "another" }),
      JSON.stringify({ ...owner, id: "3" }),
      "",
    ]) {
      await writeFile(file, content);
      // The clock of the file system may be any.
      await utimes(file, new Date("2040-01-01"), new Date("2040-01-01"));
      expect(await elapsed()).toBeGreaterThan(timing.lockSilence);
    }
    await expect(stat(file)).rejects.toThrow("ENOENT");
  });

  it("wait for a lock whose owner lives, and pass it on in turn", async () => {
    const file = path.join(scratch, "any.lock");
    let holders = 0;
    let most = 0;
    const hold = async (milliseconds: number): Promise<void> => {
      const lock = await WaitingLock.acquire(file, lockTiming, undefined);
      most = Math.max(most, ++holders);
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      holders--;
      await lock.release();
    };
    // The first holds it for longer than a lock without heartbeat would last.
    await Promise.all([hold(3 * timing.lockSilence), hold(10), hold(10), hold(10)]);
    expect(most).toBe(1);
    expect(await readdir(scratch)).not.toContain("any.lock");
  });

  it("stop waiting for a lock when they are told to", async () => {
    const file = path.join(scratch, "any.lock");
    const lock = await WaitingLock.acquire(file, lockTiming, undefined);
    await failure(WaitingLock.acquire(file, lockTiming, AbortSignal.timeout(50)), "ABORTED");
    await lock.release();
  });
});

describe("abort", () => {
  it.each([
    ["before the first request", undefined, /revision/],
    ["while the hub is silent", { pauseAfter: 0 }, /storage/],
    ["in the middle of a file", { pauseAfter: 1_000_000 }, /storage/],
  ])("stops %s, and the next call goes on", async (_, fault, route) => {
    await using hub = await FakeHub.start(repository);
    const controller = new AbortController();
    const reason = new Error("enough");
    if (fault === undefined) controller.abort(reason);
    else hub.fail(route, fault);
    const fetching = fetchFrom(hub, {
      signal: controller.signal,
      onProgress: ({ file, received }) => {
        if (file === "model.safetensors" && received === fault?.pauseAfter) controller.abort(reason);
      },
    });
    const error = await failure(fetching, "ABORTED");
    expect(error.cause).toBe(reason);
    const locks = await tree(path.join(cacheDir, ".locks")).catch(() => []);
    expect(locks).toEqual([]);
    await expectWhole(await fetchFrom(hub));
  });

  it("stops a wait between attempts", async () => {
    await using hub = await FakeHub.start(repository);
    hub.fail(/revision/, { status: 503, headers: { "Retry-After": "4" } });
    const start = performance.now();
    await failure(fetchFrom(hub, { signal: AbortSignal.timeout(100) }), "ABORTED");
    expect(performance.now() - start).toBeLessThan(2000);
  });

  it("passes an error of the caller's own function on", async () => {
    await using hub = await FakeHub.start(repository);
    const own = new Error("from the callback");
    const onProgress = (): void => {
      throw own;
    };
    await expect(fetchFrom(hub, { onProgress })).rejects.toBe(own);
    await expectWhole(await fetchFrom(hub));
  });
});

describe("options", () => {
  it.each([
    [{ wanted: undefined }, "INVALID_ARGUMENT", "wanted is missing"],
    [{ cacheDir: "" }, "INVALID_ARGUMENT", "cacheDir"],
    [{ cacheDir: 5 }, "INVALID_ARGUMENT", "cacheDir must be a string"],
    [{ localFilesOnly: "yes" }, "INVALID_ARGUMENT", "localFilesOnly must be true or false"],
    [{ endpoint: "huggingface.co" }, "INVALID_ARGUMENT", "endpoint"],
    [{ endpoint: "ftp://huggingface.co" }, "INVALID_ARGUMENT", "endpoint"],
    [{ token: "hf_a b" }, "INVALID_ARGUMENT", "token"],
    [{ local_files_only: true }, "UNKNOWN_OPTION", "localFilesOnly"],
    [{ revision: "../main" }, "INVALID_ARGUMENT", "revision"],
  ] as const)("refuses %j", async (options, code, text) => {
    const given = { endpoint: "http://unused.invalid", wanted: () => true, cacheDir, ...options };
    const error = await failure(fetchModel("a/b", given as unknown as HubOptions), code);
    expect(error.message).toContain(text);
  });

  it("come with a name that the hub can have", async () => {
    await failure(fetchFrom({ endpoint: "http://unused.invalid" }, {}, "../model"), "INVALID_ARGUMENT");
  });

  it("have the documented timing", () => {
    expect(defaultTiming).toMatchObject({ attempts: 5, firstWait: 1000, silence: 30_000 });
  });
});
