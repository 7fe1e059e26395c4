import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { DenseEncoder, SparseEncoder } from "@sparse-encoder/core";
import { afterAll, describe, expect, it } from "vitest";
import { expectVectors, type GoldenVector, goldenModelFolder, readJson } from "../helpers/golden-data.ts";
import {
  copyModel,
  editJson,
  editTensors,
  type Json,
  writeJson,
  writeTensors,
} from "../helpers/model-copies.ts";

/** A fixture model with changes, and what sentence-transformers makes of the folder; see make_cases.py. */
interface CheckpointCase {
  name: string;
  base: string | null;
  dense: boolean;
  into?: Record<string, string>;
  drop?: string[];
  write?: Record<string, unknown>;
  set?: Record<string, Json>;
  remove?: Record<string, string[]>;
  weights?: Record<string, Record<string, number>>;
  tensors?: Record<string, { copy: string } | { turned: string } | null>;
  encode: GoldenVector[];
  encode_query?: GoldenVector[];
  encode_document?: GoldenVector[];
}

const { texts, cases } = readJson("fixtures/checkpoints/cases.json") as {
  texts: string[];
  cases: CheckpointCase[];
};
const root = mkdtempSync(path.join(tmpdir(), "sparse-encoder-checkpoints-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Writes the folder of a case: what `write_folder` of make_cases.py does. */
function writeFolder(folder: string, { base, into = {}, drop = [], ...changes }: CheckpointCase): void {
  if (base !== null) {
    copyModel(goldenModelFolder(base), folder, (name) =>
      drop.some((left) => name === left || name.startsWith(`${left}/`)),
    );
  }
  for (const [name, other] of Object.entries(into)) {
    copyModel(goldenModelFolder(other), path.join(folder, name), (file) => /^\d_|modules\.json/.test(file));
  }
  for (const [name, content] of Object.entries(changes.write ?? {}))
    writeJson(path.join(folder, name), content);
  const { set = {}, remove = {} } = changes;
  for (const name of new Set([...Object.keys(set), ...Object.keys(remove)])) {
    editJson(path.join(folder, name), (json) => {
      Object.assign(json, set[name]);
      for (const key of remove[name] ?? []) delete json[key];
    });
  }
  for (const [name, tensors] of Object.entries(changes.weights ?? {})) {
    const made = Object.entries(tensors).map(([key, size]) => {
      const values = Float32Array.from({ length: size }, (_, place) => (place + 1) / size);
      return [key, { shape: [size], values }] as const;
    });
    writeTensors(path.join(folder, name, "model.safetensors"), new Map(made));
  }
  if (changes.tensors === undefined) return;
  const edits = changes.tensors;
  editTensors(path.join(folder, "model.safetensors"), (tensors) => {
    const original = new Map(tensors);
    for (const [name, change] of Object.entries(edits)) {
      if (change === null) {
        tensors.delete(name);
        continue;
      }
      const { shape, values } = original.get("copy" in change ? change.copy : change.turned)!;
      tensors.set(name, { shape, values: "copy" in change ? values.slice() : values.toReversed() });
    }
  });
}

const distance = (a: Float32Array, b: GoldenVector) => {
  const wanted = new Map(b.indices.map((index, place) => [index, b.values[place]!]));
  return a.reduce((most, value, index) => Math.max(most, Math.abs(value - (wanted.get(index) ?? 0))), 0);
};

describe("checkpoints with other files, settings or weights than the fixture models", () => {
  it.each(cases.map((checkpoint) => [checkpoint.name, checkpoint] as const))(
    "have sentence-transformers' vectors: %s",
    async (name, checkpoint) => {
      const folder = path.join(root, name.replaceAll(/\W+/g, "-"));
      writeFolder(folder, checkpoint);
      const { encode, encode_query = encode, encode_document = encode } = checkpoint;
      if (checkpoint.dense) {
        await using encoder = await DenseEncoder.load(folder);
        for (const [method, expected] of [
          ["encode", encode],
          ["encodeQuery", encode_query],
          ["encodeDocument", encode_document],
        ] as const) {
          const rows = [...(await encoder[method](texts))];
          for (const [n, row] of rows.entries()) {
            expect(distance(row, expected[n]!), `${method} ${n}`).toBeLessThan(5e-5);
          }
        }
        return;
      }
      await using encoder = await SparseEncoder.load(folder);
      expectVectors(await encoder.encode(texts), encode, texts);
      expectVectors(await encoder.encodeQuery(texts), encode_query, texts);
      expectVectors(await encoder.encodeDocument(texts), encode_document, texts);
    },
  );
});

let copies = 0;
/** A copy of a fixture model that a test may change. */
function copyOf(name: string, leaveOut?: (file: string) => boolean): string {
  const folder = path.join(root, `copy-${copies++}`);
  copyModel(goldenModelFolder(name), folder, leaveOut);
  return folder;
}

const load = { sparse: SparseEncoder, dense: DenseEncoder };

async function expectRefusal(kind: keyof typeof load, folder: string, code: string, ...parts: RegExp[]) {
  const error: unknown = await load[kind].load(folder).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ code });
  for (const part of parts) expect((error as Error).message).toMatch(part);
}

describe("a module that is listed, but whose settings are missing, is an incomplete model:", () => {
  it.each([
    ["sparse", "bert-max-relu", "1_SpladePooling"],
    ["dense", "dense-cls", "1_Pooling"],
    ["sparse", "csr", "1_Pooling"],
    ["sparse", "csr", "2_SparseAutoEncoder"],
    ["sparse", "inference-free", "query_0_SparseStaticEmbedding"],
    ["sparse", "inference-free", "document_1_SpladePooling"],
  ] as const)("%s %s without %s/config.json", async (kind, model, module) => {
    const missing = new RegExp(`lists the module ${module}, but .*config\\.json is missing.*incomplete`);
    for (const left of [`${module}/config.json`, module]) {
      await expectRefusal(
        kind,
        copyOf(model, (file) => file === left),
        "MODEL_INVALID",
        missing,
      );
    }
  });

  it.each(["Dense", "LayerNorm"])("a %s module", async (name) => {
    const folder = copyOf("dense-cls");
    const file = path.join(folder, "modules.json");
    const modules = JSON.parse(readFileSync(file, "utf8")) as Json[];
    const type = `sentence_transformers.models.${name}`;
    writeJson(file, [...modules, { idx: 2, name: "2", path: `2_${name}`, type }]);
    await expectRefusal("dense", folder, "MODEL_INVALID", new RegExp(`the module 2_${name}`));
    writeJson(path.join(folder, `2_${name}`, "config.json"), {});
    await expectRefusal("dense", folder, "MODEL_INVALID", /must be a whole number of at least 1/);
  });
});

describe("settings that are not supported are refused by name:", () => {
  const settings = "sentence_bert_config.json";
  it.each([
    [
      "sparse",
      "bert-max-relu",
      settings,
      { processing_kwargs: { text: { truncation: false } } },
      /"truncation"/,
    ],
    ["sparse", "bert-max-relu", settings, { processing_kwargs: { text: { stride: 3 } } }, /'stride'/],
    [
      "sparse",
      "bert-max-relu",
      settings,
      { query_expansion: { strategy: "fixed", length: 32 } },
      /"query_expansion"/,
    ],
    [
      "sparse",
      "bert-max-relu",
      settings,
      { model_args: { is_decoder: true } },
      /'is_decoder' in "model_args"/,
    ],
    ["sparse", "bert-max-relu", settings, { transformer_task: "text-generation" }, /"transformer_task"/],
    ["sparse", "bert-max-relu", "config.json", { is_decoder: true }, /"is_decoder"/],
    ["sparse", "bert-max-relu", "config.json", { hidden_act: "laplace" }, /"laplace" is not supported/],
    [
      "sparse",
      "bert-max-relu",
      "config_sentence_transformers.json",
      { similarity_fn_name: "jaccard" },
      /'jaccard'.*option similarity/,
    ],
    ["dense", "dense-cls", "config_sentence_transformers.json", { similarity_fn_name: "maxsim" }, /'maxsim'/],
    ["dense", "dense-cls", "1_Pooling/config.json", { pooling_mode: "attention" }, /'attention'/],
    [
      "dense",
      "dense-cls",
      "1_Pooling/config.json",
      { pooling_mode: null, pooling_mode_attention: true },
      /'pooling_mode_attention'/,
    ],
    [
      "dense",
      "dense-mean-normalize",
      "2_Normalize/config.json",
      { module_input_name: "token_embeddings" },
      /"module_input_name"/,
    ],
    [
      "sparse",
      "modernbert",
      "config.json",
      { layer_types: ["full_attention", "chunked_attention"] },
      /'chunked_attention'/,
    ],
    [
      "sparse",
      "modernbert",
      "config.json",
      { rope_parameters: { full_attention: { rope_type: "yarn" } } },
      /'yarn'/,
    ],
  ] as const)("%s %s, %s %j", async (kind, model, file, change, named) => {
    const folder = copyOf(model);
    editJson(path.join(folder, file), (json) => Object.assign(json, change));
    await expectRefusal(kind, folder, "MODEL_UNSUPPORTED", named);
  });

  it("an adapter without its model", async () => {
    const folder = copyOf("bert-max-relu", (file) => file === "config.json");
    writeJson(path.join(folder, "adapter_config.json"), { base_model_name_or_path: "organization/base" });
    await expectRefusal("sparse", folder, "MODEL_UNSUPPORTED", /adapter of 'organization\/base'.*Merge/);
  });

  it("a sparse encoder of a checkpoint without masked-LM head", async () => {
    const isPlain = (file: string) => /modules\.json|^config_sent|^1_/.test(file);
    await expectRefusal(
      "sparse",
      copyOf("dense-cls", isPlain),
      "MODEL_UNSUPPORTED",
      /no masked-LM head.*BertModel.*DenseEncoder/,
    );
  });
});

describe("a router", () => {
  it("with two modules that are refused leaves no failure unheard", async () => {
    const folder = copyOf("inference-free", (file) => file === "document_0_Transformer");
    editJson(path.join(folder, "router_config.json"), (json) => {
      (json.types as Json).document_1_SpladePooling = "custom.Module";
    });
    const unheard: unknown[] = [];
    const listen = (error: unknown) => unheard.push(error);
    process.on("unhandledRejection", listen);
    await expect(SparseEncoder.load(folder)).rejects.toMatchObject({
      code: expect.stringMatching(/^MODEL_/),
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off("unhandledRejection", listen);
    expect(unheard).toEqual([]);
  });
});

describe("tokens beyond the embeddings", () => {
  it("fail the texts that have one, and no other", async () => {
    const folder = copyOf("bert-max-relu");
    editJson(path.join(folder, "tokenizer_config.json"), (json) => {
      json.extra_special_tokens = ["<one>"];
    });
    await using encoder = await SparseEncoder.load(folder);
    await expect(encoder.encode(["fine", "not <one> bit"])).rejects.toMatchObject({
      code: "TOKENIZER_INVALID",
      message: expect.stringMatching(/'<one>' with id 1500/),
    });
    expect((await encoder.encode("fine")).activeDims).toBeGreaterThan(0);
  });
});
