import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { CrossEncoder, DenseEncoder, SparseEncoder } from "@sparse-encoder/core";
import { afterAll, describe, expect, it } from "vitest";
import { expectNumbers } from "../helpers/expected-numbers.ts";
import { goldenPairs, readRerankerGolden, rerankerFolder } from "../helpers/reranker-folders.ts";

const folders: string[] = [];
const copyOf = (name: string) => {
  const folder = rerankerFolder(name);
  folders.push(folder);
  return folder;
};
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

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
