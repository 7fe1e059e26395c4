import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { DenseEncoder, SparseEncoder } from "@sparse-encoder/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { goldenModelFolder, readGolden } from "../helpers/golden-data.ts";
import { copyModel, editJson } from "../helpers/model-copies.ts";

describe("save", () => {
  let root: string;
  beforeAll(() => {
    root = mkdtempSync(path.join(tmpdir(), "sparse-encoder-save-"));
  });
  afterAll(() => rmSync(root, { recursive: true }));

  describe.skipIf(process.platform === "win32")("of a folder with links", () => {
    /** A model one of whose files is a link to `target`. */
    function linked(name: string, file: string, target: string): string {
      const folder = path.join(root, name);
      copyModel(goldenModelFolder("bert-max-relu"), folder);
      rmSync(path.join(folder, file), { force: true });
      symlinkSync(target, path.join(folder, file));
      return folder;
    }

    it.each(["vocab.txt", "token_config.json", "README.md"])(
      "copies nothing from outside of the folder: %s",
      async (file) => {
        const secret = path.join(root, "secret");
        writeFileSync(secret, "[PAD]\nhunter2\n");
        await using encoder = await SparseEncoder.load(linked(`links ${file}`, file, secret));
        const target = path.join(root, `copy ${file}`);
        await expect(encoder.save(target)).rejects.toMatchObject({
          code: "MODEL_INVALID",
          message: expect.stringMatching(/is a link that leads out of the model's folder/),
        });
        expect(readdirSync(root)).not.toContain(`copy ${file}`);
      },
    );

    it("follows links within the folder, and into the blobs of a cache of the hub", async () => {
      const cache = path.join(root, "cache", "models--a--b");
      mkdirSync(path.join(cache, "snapshots"), { recursive: true });
      mkdirSync(path.join(cache, "blobs"));
      const snapshot = path.join(cache, "snapshots", "c");
      copyModel(goldenModelFolder("bert-max-relu"), snapshot);
      renameSync(path.join(snapshot, "config.json"), path.join(cache, "blobs", "1"));
      symlinkSync("../../blobs/1", path.join(snapshot, "config.json"));
      symlinkSync("tokenizer_config.json", path.join(snapshot, "token_config.json"));
      await using encoder = await SparseEncoder.load(snapshot);
      const target = path.join(root, "from cache");
      await encoder.save(target);
      expect(readFileSync(path.join(target, "config.json"))).toEqual(
        readFileSync(path.join(cache, "blobs", "1")),
      );
      expect(readdirSync(target)).toContain("token_config.json");
    });
  });

  it.each([
    "splade-tiny",
    "plain-mlm",
    "bert-legacy-v5",
    "bert-pytorch-bin",
    "bert-sharded",
    "bert-prompts",
    "csr",
    "inference-free",
    "inference-free-legacy-root",
    "xlm-roberta",
  ])("writes %s as a folder that gives equal vectors", async (name) => {
    const { texts } = readGolden(name);
    await using encoder = await SparseEncoder.load(goldenModelFolder(name));
    const folder = path.join(root, name);
    await encoder.save(folder);
    await using saved = await SparseEncoder.load(folder);
    expect((await saved.encode(texts)).equals(await encoder.encode(texts))).toBe(true);
    expect((await saved.encodeQuery(texts)).equals(await encoder.encodeQuery(texts))).toBe(true);
    expect(saved.maxSeqLength).toBe(encoder.maxSeqLength);
    expect(saved.prompts).toEqual(encoder.prompts);
    expect(saved.defaultPromptName).toBe(encoder.defaultPromptName);
    expect(saved.similarityFunction).toBe(encoder.similarityFunction);
  });

  it("deletes only what it made: files that come into the empty folder meanwhile stay", async () => {
    await using encoder = await SparseEncoder.load(goldenModelFolder("splade-tiny"));
    const files = ["notes.txt", "important/data.bin"];
    for (const file of files) {
      const folder = path.join(root, `meanwhile-${path.basename(file)}`);
      mkdirSync(folder);
      const saving = encoder.save(folder).then(
        () => undefined,
        (error: unknown) => error,
      );
      // The model is complete under a temporary name before it goes to its place.
      while (
        !readdirSync(root).some((name) => name.startsWith(path.basename(folder)) && name.endsWith(".tmp"))
      ) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
      writeFileSync(path.join(folder, file), "kept");
      expect(await saving).toMatchObject({
        code: "INVALID_ARGUMENT",
        message: expect.stringContaining("is not any more"),
      });
      expect(readFileSync(path.join(folder, file), "utf8")).toBe("kept");
    }
    expect(readdirSync(root).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("keeps the ONNX file that a model was loaded from", async () => {
    const folder = path.join(root, "exported");
    const exported = new URL("../fixtures/onnx-exports/bert-max-relu-18.onnx", import.meta.url);
    copyModel(goldenModelFolder("bert-max-relu"), folder);
    mkdirSync(path.join(folder, "onnx"));
    cpSync(exported, path.join(folder, "onnx/model_other.onnx"));
    // A bare name is looked for in onnx/ too.
    await using encoder = await SparseEncoder.load(folder, { fileName: "model_other.onnx" });
    const target = path.join(root, "exported-again");
    await encoder.save(target);
    expect(readdirSync(target)).not.toContain("model.safetensors");
    await using saved = await SparseEncoder.load(target, { fileName: "model_other.onnx" });
    const { texts } = readGolden("bert-max-relu");
    expect((await saved.encode(texts)).equals(await encoder.encode(texts))).toBe(true);
  });

  it("writes what was set at load or later", async () => {
    await using encoder = await SparseEncoder.load(goldenModelFolder("bert-legacy-v5"), {
      prompts: { query: "search: ", title: "title: " },
      defaultPromptName: "title",
      similarity: "cosine",
    });
    encoder.maxSeqLength = 24;
    const folder = path.join(root, "changed");
    await encoder.save(folder);
    await using saved = await SparseEncoder.load(folder);
    expect(saved.prompts).toEqual({ query: "search: ", document: "", title: "title: " });
    expect(saved.defaultPromptName).toBe("title");
    expect(saved.similarityFunction).toBe("cosine");
    expect(saved.maxSeqLength).toBe(24);
    const text = "a text of many words, ".repeat(20);
    expect((await saved.encode(text)).equals(await encoder.encode(text))).toBe(true);
  });

  it("writes a plain dense checkpoint as a dense model", async () => {
    const source = path.join(root, "plain-dense");
    const isPlain = (file: string) => /modules\.json|^config_sent|^1_/.test(file);
    copyModel(goldenModelFolder("dense-cls"), source, isPlain);
    await using encoder = await DenseEncoder.load(source);
    await encoder.save(path.join(root, "dense-again"));
    await using saved = await DenseEncoder.load(path.join(root, "dense-again"));
    const texts = ["one text", "another one"];
    expect([...(await saved.encode(texts))]).toEqual([...(await encoder.encode(texts))]);
  });

  it("writes the length where the settings of the tokenizer name one", async () => {
    const source = path.join(root, "keywords");
    copyModel(goldenModelFolder("bert-max-relu"), source);
    editJson(path.join(source, "sentence_bert_config.json"), (json) => {
      json.processor_kwargs = { model_max_length: 40 };
    });
    await using encoder = await SparseEncoder.load(source);
    expect(encoder.maxSeqLength).toBe(40);
    encoder.maxSeqLength = 20;
    await encoder.save(path.join(root, "keywords-again"));
    await using saved = await SparseEncoder.load(path.join(root, "keywords-again"));
    expect(saved.maxSeqLength).toBe(20);
  });

  it("writes the source's weights for an int8 encoder, and a dense model", async () => {
    const source = goldenModelFolder("bert-max-relu");
    await using encoder = await SparseEncoder.load(source, {
      dtype: "int8",
      cacheDir: path.join(root, "cache"),
    });
    await encoder.save(path.join(root, "int8"));
    const weights = (folder: string) => readFileSync(path.join(folder, "model.safetensors"));
    expect(weights(path.join(root, "int8")).equals(weights(source))).toBe(true);

    await using dense = await DenseEncoder.load(goldenModelFolder("dense-mean-normalize"));
    await dense.save(path.join(root, "dense"));
    await using saved = await DenseEncoder.load(path.join(root, "dense"));
    expect(await saved.encode("a text")).toEqual(await dense.encode("a text"));
  });

  it("refuses a folder with content and a path that is a file, and leaves nothing beside them", async () => {
    await using encoder = await SparseEncoder.load(goldenModelFolder("bert-max-relu"));
    const full = path.join(root, "full");
    mkdirSync(full);
    writeFileSync(path.join(full, "mine.txt"), "mine");
    const file = path.join(root, "file");
    writeFileSync(file, "mine");
    for (const target of [full, file, "", 3 as unknown as string]) {
      await expect(encoder.save(target)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    }
    expect(readdirSync(full)).toEqual(["mine.txt"]);
    await expect(encoder.save(path.join(file, "below"))).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(readdirSync(root).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });
});
