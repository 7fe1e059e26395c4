import { spawn } from "node:child_process";
import {
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { deleteCachedModel, downloadModel, listCachedModels, SparseEncoder } from "@sparse-encoder/core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeHub, type FakeRepository, recordedRepositories } from "../fakes/fake-hub.ts";
import { goldenModelFolder } from "../helpers/golden-data.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const [first, second] = ["1", "2"].map((digit) => digit.repeat(40)) as [string, string];
const shared = Buffer.alloc(5000, "shared");

function repository(commit: string, config: string): FakeRepository {
  return {
    name: "organization/model",
    commit,
    large: ["model.safetensors"],
    files: {
      "config.json": Buffer.from(`{"model_type": "bert", "architectures": ["BertForMaskedLM"]${config}}`),
      "model.safetensors": shared,
      "tokenizer.json": Buffer.from("{}"),
    },
  };
}

/** A model that loads, as a repository. */
async function loadable(): Promise<FakeRepository> {
  const folder = goldenModelFolder("bert-short");
  const names = (await readdir(folder, { recursive: true, withFileTypes: true })).filter(
    (entry) => !entry.isDirectory(),
  );
  const files = await Promise.all(
    names.map(async (entry) => {
      const file = path.join(entry.parentPath, entry.name);
      return [path.relative(folder, file).replaceAll(path.sep, "/"), await readFile(file)] as const;
    }),
  );
  return { name: "loadable", commit: first, large: ["model.safetensors"], files: Object.fromEntries(files) };
}

let scratch: string;
let cacheDir: string;

beforeEach(async () => {
  for (const name of Object.keys(process.env)) {
    if (/^(HF_|HUGGING|TRANSFORMERS_|XDG_CACHE)|_PROXY$/i.test(name)) vi.stubEnv(name, undefined);
  }
  scratch = await mkdtemp(path.join(tmpdir(), "model-cache-"));
  cacheDir = path.join(scratch, "cache");
  vi.stubEnv("HF_HOME", path.join(scratch, "home"));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(scratch, { recursive: true, force: true });
});

const names = async (): Promise<string[]> => (await listCachedModels({ cacheDir })).map(({ name }) => name);

/** All that lies below a folder, by relative path. */
async function everything(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
}

describe("listCachedModels", () => {
  it("is empty where there is no cache, and refuses what is not a folder", async () => {
    expect(await listCachedModels()).toEqual([]);
    expect(await listCachedModels({ cacheDir })).toEqual([]);
    await writeFile(cacheDir, "");
    await expect(listCachedModels({ cacheDir })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(listCachedModels({ cache_dir: "x" } as never)).rejects.toThrow("Did you mean cacheDir?");
  });

  it("gives name, commit, revisions, files, size and last use", async () => {
    await using hub = await FakeHub.start(repository(first, ""), ...recordedRepositories);
    const source = { endpoint: hub.endpoint, cacheDir };
    const folder = await downloadModel("organization/model", source);
    hub.add({ ...repository(second, ', "x": 1'), revisions: ["v2", "refs/pr/1"] });
    await downloadModel("organization/model", source);
    await downloadModel("organization/model", { ...source, revision: "refs/pr/1" });
    await downloadModel("organization/whole", source);
    const long = new Date("2001-02-03T04:05:06Z");
    for (const file of await readdir(folder)) await utimes(path.join(folder, file), long, long);
    const models = await listCachedModels({ cacheDir });
    expect(
      models.map(({ name, commit, revisions, complete }) => [name, commit, revisions, complete]),
    ).toEqual([
      ["organization/model", first, [], true],
      ["organization/model", second, ["main", "refs/pr/1"], true],
      ["organization/whole", "1".repeat(40), ["main"], true],
    ]);
    const [old, young] = models;
    expect(old!.folder).toBe(folder);
    expect(old!.files).toEqual(["config.json", "model.safetensors", "tokenizer.json"]);
    expect(old!.bytes).toBe(
      Object.values(repository(first, "").files).reduce((sum, { length }) => sum + length, 0),
    );
    expect(young!.bytes).toBe(old!.bytes + ', "x": 1'.length);
    expect(young!.lastUsed >= old!.lastUsed).toBe(true);
    // The weights are of both commits, so that their times are, too; the old configuration is not.
    expect((await stat(path.join(old!.folder, "config.json"))).mtime).toEqual(long);
  });

  it("takes the cache of Python, and passes over what it does not know", async () => {
    const recorded = path.join(root, "test/fixtures/hub-cache");
    await cp(recorded, cacheDir, { recursive: true, verbatimSymlinks: true });
    const before = await listCachedModels({ cacheDir });
    expect(before.length).toBeGreaterThan(0);
    for (const { complete, files, bytes } of before) {
      expect(complete).toBe(true);
      expect(files).toContain("model.safetensors");
      expect(bytes).toBeGreaterThan(0);
    }
    // Other kinds, other layouts, and leftovers.
    await mkdir(path.join(cacheDir, "datasets--a--b/snapshots"), { recursive: true });
    await mkdir(path.join(cacheDir, "models--a--b--c--d/snapshots", first), { recursive: true });
    await mkdir(path.join(cacheDir, "models--empty"), { recursive: true });
    await mkdir(path.join(cacheDir, "models--other--layout/v2/content"), { recursive: true });
    await mkdir(path.join(cacheDir, "models--a--refs/refs"), { recursive: true });
    await writeFile(path.join(cacheDir, "models--a--refs/refs/main"), "no commit");
    await writeFile(path.join(cacheDir, "models--a--file"), "");
    await writeFile(path.join(cacheDir, "version.txt"), "1");
    await writeFile(path.join(cacheDir, "0123abcd.json"), "{}");
    expect(await listCachedModels({ cacheDir })).toEqual(before);
  });

  it("tells models that are not whole, and reads records of another version as none", async () => {
    await using hub = await FakeHub.start(repository(first, ""));
    const source = { endpoint: hub.endpoint, cacheDir };
    const folder = await downloadModel("organization/model", source);
    const record = path.join(cacheDir, "models--organization--model/trees", `${first}.json`);
    await writeFile(record, '{"format_version": 2, "files": []}');
    expect(await listCachedModels({ cacheDir })).toMatchObject([{ commit: first, complete: true }]);
    // It loads, too: the hub is asked for the list again.
    expect(await downloadModel("organization/model", { ...source, localFilesOnly: true })).toBe(folder);
    await writeFile(record, "{");
    expect(await downloadModel("organization/model", source)).toBe(folder);
    await rm(path.join(folder, "config.json"));
    await rm(path.join(cacheDir, "models--organization--model/blobs"), { recursive: true });
    expect(await listCachedModels({ cacheDir })).toMatchObject([{ files: [], bytes: 0, complete: false }]);
    hub.fail(/^storage:/, ...Array(5).fill({ cutAfter: 10, status: 403 }));
    await rm(cacheDir, { recursive: true });
    const signal = AbortSignal.timeout(300);
    await expect(downloadModel("organization/model", { ...source, signal })).rejects.toThrow();
    expect(await names()).toContain("organization/model");
    expect(await deleteCachedModel("organization/model", { cacheDir })).toBeGreaterThan(0);
    expect(await names()).toEqual([]);
  });
});

describe("deleteCachedModel", () => {
  it("frees the bytes of the model, and leaves others", async () => {
    await using hub = await FakeHub.start(repository(first, ""), ...recordedRepositories);
    const source = { endpoint: hub.endpoint, cacheDir };
    for (const name of ["organization/model", "organization/whole"]) await downloadModel(name, source);
    const before = await everything(cacheDir);
    const freed = await deleteCachedModel("organization/model", { cacheDir });
    expect(freed).toBeGreaterThan(5000);
    expect(await names()).toEqual(["organization/whole"]);
    const left = await everything(cacheDir);
    expect(left.filter((file) => file.includes("organization--model"))).toEqual([]);
    expect(left).toEqual(before.filter((file) => !file.includes("organization--model")));
    // And it comes back.
    await downloadModel("organization/model", source);
    expect(await names()).toContain("organization/model");
  });

  it.each([true, false])("deletes one revision, and keeps what others share; links: %s", async (links) => {
    vi.stubEnv("HF_HUB_DISABLE_SYMLINKS", links ? undefined : "1");
    await using hub = await FakeHub.start(repository(first, ""));
    const source = { endpoint: hub.endpoint, cacheDir };
    await downloadModel("organization/model", { ...source, revision: first });
    hub.add(repository(second, ', "x": 1'));
    const folder = await downloadModel("organization/model", source);
    await expect(deleteCachedModel("organization/model", { cacheDir, revision: "v9" })).rejects.toMatchObject(
      {
        code: "MODEL_NOT_FOUND",
        message: expect.stringContaining('no revision "v9"'),
      },
    );
    const freed = await deleteCachedModel("organization/model", { cacheDir, revision: first });
    expect(freed).toBeGreaterThan(0);
    if (links) expect(freed).toBeLessThan(5000);
    expect(await listCachedModels({ cacheDir })).toMatchObject([{ commit: second, complete: true }]);
    expect((await readFile(path.join(folder, "model.safetensors"))).equals(shared)).toBe(true);
    await deleteCachedModel("organization/model", { cacheDir, revision: "main" });
    expect(await names()).toEqual([]);
  });

  it("refuses names that are none, and names what is there", async () => {
    await using hub = await FakeHub.start(repository(first, ""));
    await downloadModel("organization/model", { endpoint: hub.endpoint, cacheDir });
    await expect(deleteCachedModel("organization/mode", { cacheDir })).rejects.toMatchObject({
      code: "MODEL_NOT_FOUND",
      message: expect.stringContaining('no model "organization/mode", but organization/model.'),
    });
    for (const name of ["../..", "a/../../b", "", ".", "a--b", undefined, 5]) {
      await expect(deleteCachedModel(name as string, { cacheDir })).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
      });
    }
    expect(await names()).toEqual(["organization/model"]);
  });

  it("removes a link to elsewhere, and nothing behind it", async () => {
    await using hub = await FakeHub.start(repository(first, ""));
    const elsewhere = path.join(scratch, "elsewhere");
    const folder = await downloadModel("organization/model", { endpoint: hub.endpoint, cacheDir: elsewhere });
    await mkdir(cacheDir);
    await symlink(
      path.join(elsewhere, "models--organization--model"),
      path.join(cacheDir, "models--organization--model"),
      "junction",
    );
    await deleteCachedModel("organization/model", { cacheDir });
    await expect(lstat(path.join(cacheDir, "models--organization--model"))).rejects.toThrow("ENOENT");
    expect((await readFile(path.join(folder, "model.safetensors"))).equals(shared)).toBe(true);
  });
});

describe("a deletion beside a load or a download", () => {
  it("is refused while an encoder is open, and until it is closed", async () => {
    await using hub = await FakeHub.start(await loadable());
    const source = { endpoint: hub.endpoint, cacheDir };
    const encoder = await SparseEncoder.load("loadable", source);
    await expect(deleteCachedModel("loadable", { cacheDir })).rejects.toMatchObject({
      code: "CACHE_IN_USE",
      message: expect.stringContaining("this process has it open"),
    });
    await encoder.encode("a text");
    await encoder.close();
    await deleteCachedModel("loadable", { cacheDir });
    expect(await names()).toEqual([]);
    // A load that fails leaves no mark.
    hub.add({
      ...(await loadable()),
      commit: second,
      files: { "config.json": Buffer.from("{}"), "model.safetensors": shared },
    });
    await expect(SparseEncoder.load("loadable", source)).rejects.toThrow();
    await deleteCachedModel("loadable", { cacheDir });
  });

  it("is refused while a process downloads, and takes its place when that was killed", async () => {
    await using hub = await FakeHub.start(repository(first, ""));
    hub.fail(/^storage:/, { pauseAfter: 100 });
    const program = `import { downloadModel } from "@sparse-encoder/core";
      await downloadModel("organization/model", { endpoint: "${hub.endpoint}", cacheDir: ${JSON.stringify(cacheDir)} });`;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program], { cwd: root });
    await vi.waitFor(() => expect(hub.bodies(/./).length + hub.requests.length).toBeGreaterThan(3), 10_000);
    await vi.waitFor(async () => expect(await names()).toEqual(["organization/model"]), 10_000);
    await expect(deleteCachedModel("organization/model", { cacheDir })).rejects.toMatchObject({
      code: "CACHE_IN_USE",
      message: expect.stringContaining(`process ${child.pid}`),
    });
    child.kill("SIGKILL");
    await new Promise((resolve) => child.on("close", resolve));
    expect(await deleteCachedModel("organization/model", { cacheDir })).toBeGreaterThan(0);
    expect(await names()).toEqual([]);
  });

  it("is refused while Python downloads", async () => {
    await using hub = await FakeHub.start(repository(first, ""));
    await downloadModel("organization/model", { endpoint: hub.endpoint, cacheDir });
    const part = path.join(cacheDir, "models--organization--model/blobs/abc.incomplete");
    await writeFile(part, "part");
    await expect(deleteCachedModel("organization/model", { cacheDir })).rejects.toMatchObject({
      code: "CACHE_IN_USE",
    });
    const long = new Date(Date.now() - 3_600_000);
    await utimes(part, long, long);
    await deleteCachedModel("organization/model", { cacheDir });
  });

  it("and loads, again and again: each load is whole, each deletion is done or refused", async () => {
    const model = await loadable();
    await using hub = await FakeHub.start(model);
    const source = { endpoint: hub.endpoint, cacheDir };
    let loads = 0;
    let running = true;
    const deletions = { done: 0, refused: 0 };
    const deleting = (async () => {
      while (running) {
        await deleteCachedModel("loadable", { cacheDir }).then(
          () => deletions.done++,
          (error: { code: string }) => {
            if (!["CACHE_IN_USE", "MODEL_NOT_FOUND"].includes(error.code)) throw error;
            deletions.refused++;
          },
        );
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    for (; loads < 12; loads++) {
      const folder = await downloadModel("loadable", source);
      const encoder = await SparseEncoder.load("loadable", { ...source, workers: 1 });
      expect((await readFile(path.join(folder, "model.safetensors"))).length).toBe(
        model.files["model.safetensors"]!.length,
      );
      await encoder.close();
      await new Promise((resolve) => setTimeout(resolve, loads));
    }
    running = false;
    await deleting;
    expect(deletions.done).toBeGreaterThan(0);
    expect(deletions.refused).toBeGreaterThan(0);
  }, 60_000);
});

describe("downloadModel", () => {
  it("opens no worker and no native library, and leaves a model that loads without requests", async () => {
    await using hub = await FakeHub.start(await loadable());
    const program = `import { downloadModel } from "@sparse-encoder/core";
      const folder = await downloadModel("loadable", { endpoint: "${hub.endpoint}", cacheDir: ${JSON.stringify(cacheDir)} });
      const natives = process.report.getReport().sharedObjects.filter((file) => /onnxruntime|tokenizers|\\.node$/.test(file));
      console.log(JSON.stringify({ folder, natives, resources: process.getActiveResourcesInfo().filter((name) => /Worker|MessagePort/.test(name)) }));`;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program], { cwd: root });
    let printed = "";
    child.stdout.on("data", (chunk) => (printed += String(chunk)));
    await new Promise((resolve) => child.on("close", resolve));
    const { folder, natives, resources } = JSON.parse(printed);
    expect({ natives, resources }).toEqual({ natives: [], resources: [] });
    const encoder = await SparseEncoder.load("loadable", { cacheDir, localFilesOnly: true });
    expect(encoder.describe().folder).toBe(folder);
    await encoder.close();
  });

  it("looks at a folder, and refuses what is none", async () => {
    const folder = goldenModelFolder("bert-short");
    expect(await downloadModel(folder)).toBe(path.resolve(folder));
    await expect(downloadModel("./absent")).rejects.toMatchObject({ code: "MODEL_NOT_FOUND" });
    await expect(downloadModel(undefined as never)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(downloadModel("a/b", { device: "cpu" } as never)).rejects.toMatchObject({
      code: "UNKNOWN_OPTION",
    });
    await expect(
      downloadModel("https://huggingface.co/a/b/tree/v1", { localFilesOnly: true, cacheDir }),
    ).rejects.toThrow('"a/b" at v1 is not wholly in the cache');
    await expect(readdir(cacheDir)).rejects.toThrow("ENOENT");
  });
});
