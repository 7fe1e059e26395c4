import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { CrossEncoder, DenseEncoder, SparseEncoder } from "@sparse-encoder/core";
import { describe, expect, it } from "vitest";
import { expectNumbers } from "../helpers/expected-numbers.ts";
import { editJson } from "../helpers/model-copies.ts";
import { goldenPairs, readRerankerGolden, rerankerCopies } from "../helpers/reranker-folders.ts";

const copyOf = rerankerCopies();

describe("save of a reranker", () => {
  const saved = (folder: string, name = "saved") => path.join(folder, name);

  it.each(["bert", "bert-saved", "bert-labels", "xlm-roberta", "modernbert", "deberta-v2"])(
    "writes %s as a folder that gives equal scores",
    async (name) => {
      const folder = copyOf(name);
      await using reranker = await CrossEncoder.load(folder, { workers: 1 });
      await reranker.save(saved(folder));
      await using again = await CrossEncoder.load(saved(folder), { workers: 1 });
      const scores = await again.predictLabels(goldenPairs);
      expect(scores.values).toEqual((await reranker.predictLabels(goldenPairs)).values);
      expectNumbers(scores.values, readRerankerGolden(name).scores);
      expect(again.describe().maxSeqLength).toBe(reranker.maxSeqLength);
      expect([again.activation, again.prompts]).toEqual([reranker.activation, reranker.prompts]);
    },
  );

  it("writes the files of sentence-transformers", async () => {
    const read = (file: string): unknown => JSON.parse(readFileSync(file, "utf8"));
    const folder = copyOf("bert");
    await using reranker = await CrossEncoder.load(folder, { workers: 1 });
    await reranker.save(saved(folder));
    // What `CrossEncoder.save_pretrained` of the reference wrote.
    const reference = copyOf("bert-saved");
    for (const file of ["modules.json", "sentence_bert_config.json"]) {
      expect(read(path.join(saved(folder), file))).toMatchObject(read(path.join(reference, file)) as object);
    }
    const config = read(path.join(saved(folder), "config_sentence_transformers.json"));
    expect(config).toMatchObject({
      model_type: "CrossEncoder",
      activation_fn: "torch.nn.modules.linear.Identity",
    });
    expect(config).not.toHaveProperty("similarity_fn_name");
    for (const file of ["config.json", "model.safetensors", "tokenizer.json"]) {
      expect(readFileSync(path.join(saved(folder), file))).toEqual(readFileSync(path.join(folder, file)));
    }
    for (const encoder of [SparseEncoder, DenseEncoder]) {
      await expect(encoder.load(saved(folder))).rejects.toThrow(/load it with CrossEncoder\.load/);
    }
  });

  it.each(["sentence_bert_config.json", "sentence_roberta_config.json"])(
    "writes what was set at load or later, beside the settings of %s",
    async (file) => {
      const folder = copyOf("bert");
      const common = { truncation: "only_first", padding: true };
      const settings = { max_seq_length: 300, processing_kwargs: { common } };
      writeFileSync(path.join(folder, file), JSON.stringify(settings));
      await using reranker = await CrossEncoder.load(folder, {
        workers: 1,
        activation: "tanh",
        truncation: "only_second",
        prompts: { web: "answer from the web " },
        defaultPromptName: "web",
      });
      expect(reranker.maxSeqLength).toBe(300);
      reranker.maxSeqLength = 40;
      await reranker.save(saved(folder));
      await using again = await CrossEncoder.load(saved(folder), { workers: 1 });
      expect([again.activation, again.maxSeqLength, again.defaultPromptName]).toEqual(["tanh", 40, "web"]);
      const golden = readRerankerGolden("bert");
      const cut = golden.cuts.find(({ strategy }) => strategy === "only_second")!;
      const pairs = cut.pairs.map((position) => goldenPairs[position]!);
      const scores = await again.predict(pairs, { activation: "identity", prompt: "" });
      expectNumbers(scores, cut.logits, 2e-5);
      expect(await again.predict(pairs.slice(0, 3))).toEqual(await reranker.predict(pairs.slice(0, 3)));
    },
  );

  it.each(["identity", "sigmoid", "tanh", "relu", "softmax"] as const)("keeps %s", async (activation) => {
    const folder = copyOf("bert-labels");
    await using reranker = await CrossEncoder.load(folder, { workers: 1, activation });
    await reranker.save(saved(folder));
    await using again = await CrossEncoder.load(saved(folder), { workers: 1 });
    expect(again.activation).toBe(activation);
  });

  it("keeps the files of others, and refuses their folder", async () => {
    const folder = copyOf("bert");
    await using reranker = await CrossEncoder.load(folder, { workers: 1 });
    const before = readFileSync(path.join(folder, "config.json"));
    await expect(reranker.save(folder)).rejects.toThrow(/is not empty; choose a new folder/);
    await expect(reranker.save("")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(readFileSync(path.join(folder, "config.json"))).toEqual(before);
    expect(existsSync(path.join(folder, "config_sentence_transformers.json"))).toBe(false);
  });
});

describe("a reranker that is an ONNX file", () => {
  const exported = fileURLToPath(new URL("../fixtures/onnx-exports/bert-reranker-18.onnx", import.meta.url));
  const golden = readRerankerGolden("bert");
  function onnxFolder(): string {
    const folder = copyOf("bert");
    cpSync(exported, path.join(folder, "onnx/model.onnx"));
    return folder;
  }

  it("equals sentence-transformers, in batches and one by one, and after save", async () => {
    const folder = onnxFolder();
    rmSync(path.join(folder, "model.safetensors"));
    await using reranker = await CrossEncoder.load(folder, { workers: 1 });
    expect([reranker.labels, reranker.maxSeqLength, reranker.activation]).toEqual([1, 512, "identity"]);
    expectNumbers(await reranker.predict(goldenPairs), golden.scores);
    expectNumbers(await reranker.predict(goldenPairs, { batchSize: 1 }), golden.scores);
    await reranker.save(path.join(folder, "saved"));
    await using again = await CrossEncoder.load(path.join(folder, "saved"), { workers: 1 });
    expectNumbers(await again.predict(goldenPairs), golden.scores);
  });

  it("is chosen with fileName beside weights", async () => {
    const options = { workers: 1, fileName: "onnx/model.onnx" };
    await using reranker = await CrossEncoder.load(onnxFolder(), options);
    expect(reranker.describe().weightsFiles.some((file) => file.endsWith("model.onnx"))).toBe(true);
    expectNumbers(await reranker.predict(goldenPairs), golden.scores);
  });

  it("is saved as it was loaded, with fileName too", async () => {
    const options = { workers: 1, fileName: "onnx/model_other.onnx" };
    const folder = onnxFolder();
    renameSync(path.join(folder, "onnx/model.onnx"), path.join(folder, options.fileName));
    for (const target of ["beside weights", "alone"]) {
      await using reranker = await CrossEncoder.load(folder, options);
      await reranker.save(path.join(folder, target));
      expect(readdirSync(path.join(folder, target))).not.toContain("model.safetensors");
      await using again = await CrossEncoder.load(path.join(folder, target), options);
      expectNumbers(await again.predict(goldenPairs), golden.scores);
      rmSync(path.join(folder, "model.safetensors"), { force: true });
    }
  });

  it("is refused with another number of labels, and with the scores of all tokens", async () => {
    const folder = onnxFolder();
    rmSync(path.join(folder, "model.safetensors"));
    editJson(path.join(folder, "config.json"), (config) => {
      config.id2label = { 0: "no", 1: "yes", 2: "perhaps" };
    });
    await expect(CrossEncoder.load(folder)).rejects.toThrow(/gives 1 numbers per pair.*has 3 labels/);
    const scores = fileURLToPath(new URL("../fixtures/onnx-exports/bert-max-relu-18.onnx", import.meta.url));
    cpSync(scores, path.join(folder, "onnx/model.onnx"));
    await expect(CrossEncoder.load(folder)).rejects.toThrow(/gives 'logits' .*3 axes; 2 axes/);
    await expect(
      CrossEncoder.load(onnxFolder(), { fileName: "onnx/model.onnx", dtype: "int8" }),
    ).rejects.toThrow(/ONNX file, whose number format is fixed/);
  });
});
