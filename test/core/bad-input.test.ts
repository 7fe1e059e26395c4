import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  DenseEncoder,
  SparseEncoder,
  SparseEncoderError,
  type SparseEncoderErrorCode,
} from "@sparse-encoder/core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { expectVectors, goldenModelFolder, readGolden, toVector } from "../helpers/golden-data.ts";

const golden = readGolden("bert-max-relu");
const small = goldenModelFolder("bert-max-relu");
const root = mkdtempSync(path.join(tmpdir(), "sparse-encoder-bad-input-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** What was received, or the file; and what to do: the whole message counts. */
async function expectError(
  work: () => unknown,
  code: SparseEncoderErrorCode,
  ...parts: (string | RegExp)[]
): Promise<SparseEncoderError> {
  let error: unknown;
  try {
    await work();
  } catch (thrown) {
    error = thrown;
  }
  if (!SparseEncoderError.is(error))
    throw new Error(`expected ${code}, got ${String(error)}`, { cause: error });
  expect(error.code, error.message).toBe(code);
  for (const part of parts) expect(error.message).toMatch(part);
  return error;
}

/** Wrong values as they come from programs without types. */
function wrong(value: unknown): never {
  return value as never;
}

async function drain(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const items = [];
  for await (const item of stream) items.push(item);
  return items;
}

let copies = 0;
/** A copy of a fixture model that a test may break. */
function copyOf(name: string): string {
  const folder = path.join(root, `model-${copies++}`);
  cpSync(goldenModelFolder(name), folder, { recursive: true });
  return folder;
}

type Json = Record<string, unknown>;

function editJson(file: string, edit: (json: Json) => void): void {
  const json = JSON.parse(readFileSync(file, "utf8")) as Json;
  edit(json);
  writeFileSync(file, JSON.stringify(json));
}

const notCounts = [0, -1, Number.NaN, 1.5, "3", Number.POSITIVE_INFINITY, null, 2n];

describe("an encoder with small weights", () => {
  let encoder: SparseEncoder;
  beforeAll(async () => {
    encoder = await SparseEncoder.load(small);
  });
  afterAll(() => encoder.close());
  // Whatever was done wrong before: right rows.
  afterEach(async () => {
    const texts = golden.texts.slice(0, 3);
    expectVectors(await encoder.encode(texts), golden.encode.slice(0, 3), texts);
  });

  const methods = ["encode", "encodeQuery", "encodeDocument"] as const;

  describe.each(methods)("%s refuses", (method) => {
    it.each([
      ["null", ["a", null], 1],
      ["a number", [7, "b"], 0],
      ["a nested array", ["a", "b", ["c"]], 2],
      ["an object", [{ text: "a" }], 0],
      ["undefined", ["a", undefined], 1],
      // biome-ignore lint/suspicious/noSparseArray: it is what is refused
      ["a hole", ["a", , "c"], 1],
    ])("%s among texts, at its position", async (_, texts, position) => {
      const before = `${method}: the text at position ${position} must be a string, received `;
      await expectError(() => encoder[method](wrong(texts)), "INVALID_TEXT", before);
    });

    it.each([null, undefined, 7, {}, new Set(["a"]), Promise.resolve("a")])(
      "%s in place of texts",
      async (input) => {
        await expectError(() => encoder[method](wrong(input)), "INVALID_TEXT", /array of strings, received/);
      },
    );

    it("an option that does not exist, and lists the valid ones", async () => {
      const valid =
        /maxActiveDim'.*batchSize.*pool.*device.*chunkSize.*promptName.*signal.*onProgress.*maxActiveDims/;
      await expectError(() => encoder[method]("a", wrong({ maxActiveDim: 3 })), "UNKNOWN_OPTION", valid);
    });

    it.each(["max", 3, null, ["batchSize"]])("options that are not an object: %s", async (options) => {
      await expectError(
        () => encoder[method]("a", wrong(options)),
        "INVALID_ARGUMENT",
        /options must be an object/,
      );
    });

    it.each(
      (["batchSize", "chunkSize", "maxActiveDims"] as const).flatMap((option) =>
        notCounts.map((value) => [option, value] as const),
      ),
    )("%s: %s", async (option, value) => {
      const message = new RegExp(`${option} must be a whole number of at least 1, received`);
      await expectError(
        () => encoder[method](["a"], { [option]: wrong(value) }),
        "INVALID_ARGUMENT",
        message,
      );
    });

    it.each([
      ["prompt", 3],
      ["promptName", "none such"],
      ["promptName", 3],
      ["signal", { aborted: false }],
      ["onProgress", "log"],
      ["pool", {}],
    ])("%s: %s", async (option, value) => {
      await expectError(
        () => encoder[method](["a"], { [option]: wrong(value) }),
        "INVALID_ARGUMENT",
        option,
        /received/,
      );
    });

    it.each(["gpu", "cuda:", "cuda:x", "cpu:1", "auto", "", 3, null])(
      "the device %s, and lists devices",
      async (device) => {
        const names = /cpu/;
        await expectError(() => encoder[method](["a"], { device: wrong(device) }), "INVALID_ARGUMENT", names);
        await expectError(
          () => encoder[method](["a"], { device: wrong(["cpu", device]) }),
          "INVALID_ARGUMENT",
          names,
        );
      },
    );

    it("an empty list of devices, and a pool together with devices", async () => {
      await expectError(() => encoder[method](["a"], { device: [] }), "INVALID_ARGUMENT", /received \[\]/);
      const pool = await encoder.startPool(["cpu"]);
      await expectError(
        () => encoder[method](["a"], { pool, device: "cpu" }),
        "INVALID_ARGUMENT",
        /not both/,
      );
      await encoder.stopPool(pool);
    });

    it("a pool that was stopped, and one of another encoder", async () => {
      const pool = await encoder.startPool(["cpu"]);
      await encoder.stopPool(pool);
      await expectError(() => encoder[method](["a"], { pool }), "CLOSED", /start another one with startPool/);
      const other = await SparseEncoder.load(small);
      const otherPool = await other.startPool(["cpu"]);
      await expectError(
        () => encoder[method](["a"], { pool: otherPool }),
        "INVALID_ARGUMENT",
        /another encoder/,
      );
      await other.close();
    });

    it("a signal that is aborted already", async () => {
      const reason = new Error("enough");
      const call = () => encoder[method](["a"], { signal: AbortSignal.abort(reason) });
      const error = await expectError(call, "ABORTED");
      expect(error.cause).toBe(reason);
      expect(error.name).toBe("AbortError");
    });
  });

  describe("encodeStream refuses", () => {
    it.each([null, undefined, 7, "text", {}])("%s in place of texts", async (input) => {
      await expectError(
        () => drain(encoder.encodeStream(wrong(input))),
        "INVALID_ARGUMENT",
        /iterable of strings, received/,
      );
    });

    it.each([null, 7, ["c"]])(
      "%s among texts, at its position, after the vectors of earlier texts",
      async (bad) => {
        const seen: unknown[] = [];
        const call = async () => {
          for await (const vector of encoder.encodeStream(wrong(["a", "b", bad, "d"]))) seen.push(vector);
        };
        await expectError(
          call,
          "INVALID_TEXT",
          "encodeStream: the text at position 2 must be a string, received ",
        );
        expect(seen).toHaveLength(2);
      },
    );

    it("options as the other methods do", async () => {
      const call = (options: unknown) => () => drain(encoder.encodeStream(["a"], wrong(options)));
      await expectError(call({ tasks: "query" }), "UNKNOWN_OPTION", /'tasks'.*batchSize/);
      await expectError(
        call({ task: "search" }),
        "INVALID_ARGUMENT",
        /task must be one of query, document, received 'search'/,
      );
      await expectError(call("fast"), "INVALID_ARGUMENT", /options must be an object/);
      await expectError(call(null), "INVALID_ARGUMENT", /options must be an object/);
      await expectError(call({ device: [] }), "INVALID_ARGUMENT", /received \[\]/);
      await expectError(call({ signal: AbortSignal.abort() }), "ABORTED");
      for (const option of ["batchSize", "chunkSize", "maxActiveDims"]) {
        for (const value of notCounts) {
          await expectError(
            call({ [option]: value }),
            "INVALID_ARGUMENT",
            new RegExp(`${option} must be a whole number`),
          );
        }
      }
    });

    it("with its options before it reads the source", async () => {
      let read = 0;
      const source = (function* () {
        read++;
        yield "a";
      })();
      await expectError(() => drain(encoder.encodeStream(source, { batchSize: 0 })), "INVALID_ARGUMENT");
      expect(read).toBe(0);
    });
  });

  it("tokenize refuses texts and options like the rest", async () => {
    await expectError(() => encoder.tokenize(wrong(["a", 1])), "INVALID_TEXT", /position 1/);
    await expectError(() => encoder.tokenize(wrong("a")), "INVALID_TEXT", /array of strings, received 'a'/);
    await expectError(() => encoder.tokenize(wrong(null)), "INVALID_TEXT", /array of strings, received null/);
    await expectError(
      () => encoder.tokenize(["a"], wrong({ batchSize: 3 })),
      "UNKNOWN_OPTION",
      /prompt, promptName/,
    );
  });

  it("maxSeqLength refuses what is not a count, too short, or beyond the position table", async () => {
    for (const value of notCounts) {
      await expectError(
        () => {
          encoder.maxSeqLength = wrong(value);
        },
        "INVALID_ARGUMENT",
        /maxSeqLength must be a whole number of at least 1, received|at most 512/,
      );
    }
    const set = (length: number) => () => {
      encoder.maxSeqLength = length;
    };
    await expectError(set(513), "INVALID_ARGUMENT", /maxSeqLength must be at most 512, received 513/);
    await expectError(set(1), "INVALID_ARGUMENT", /at least 2, the number of special tokens; received 1/);
    expect(encoder.maxSeqLength).toBe(512);
  });

  it("decode refuses what is not an embedding of this encoder, and a topK that is not a count", async () => {
    const embeddings = await encoder.encode(["a", "b"]);
    for (const topK of notCounts) {
      await expectError(
        () => encoder.decode(embeddings, { topK: wrong(topK) }),
        "INVALID_ARGUMENT",
        /topK must be/,
      );
    }
    await expectError(() => encoder.decode(embeddings, wrong({ top: 3 })), "UNKNOWN_OPTION", /'top'.*topK/);
    for (const input of [null, undefined, "a", [], [[0, 1]], new Float32Array(1500)]) {
      await expectError(
        () => encoder.decode(wrong(input)),
        "INVALID_ARGUMENT",
        /SparseVector or a SparseMatrix, received/,
      );
    }
    const other = toVector({ indices: [1], values: [1] }, 7);
    await expectError(() => encoder.decode(other), "INVALID_ARGUMENT", /embeddings of 1500 dimensions/);
  });

  it("similarity, pairwise similarity, sparsity and intersection refuse what does not fit", async () => {
    const two = await encoder.encode(["a", "b"]);
    const three = await encoder.encode(["a", "b", "c"]);
    const other = toVector({ indices: [1], values: [1] }, 7);
    for (const input of [null, undefined, 3, "a", [1, 2], new Float32Array(1500)]) {
      const value = wrong(input);
      for (const call of [
        () => encoder.similarity(value, two),
        () => encoder.similarity(two, value),
        () => encoder.similarityPairwise(two, value),
        () => encoder.intersection(value, two),
        () => encoder.intersection(two.row(0), value),
        () => SparseEncoder.sparsity(value),
        () => encoder.sparsity(value),
      ]) {
        await expectError(call, "INVALID_ARGUMENT", /SparseVector or a SparseMatrix, received/);
      }
    }
    await expectError(() => encoder.similarity(two, other), "INVALID_VECTOR", /1500.*7|7.*1500/);
    await expectError(() => encoder.similarityPairwise(two, three), "INVALID_ARGUMENT", /2.*3/);
    await expectError(() => encoder.intersection(two.row(0), other), "INVALID_VECTOR", /1500.*7|7.*1500/);
  });

  it("startPool and stopPool refuse what they cannot use", async () => {
    await expectError(() => encoder.startPool([]), "INVALID_ARGUMENT", /received \[\]/);
    await expectError(() => encoder.startPool(["cpu", "tpu"]), "INVALID_ARGUMENT", /received 'tpu'/);
    await expectError(() => encoder.startPool(wrong(2)), "INVALID_ARGUMENT", /received 2/);
    await expectError(() => encoder.startPool(new Array(257).fill("cpu")), "INVALID_ARGUMENT", /1 to 256/);
    await expectError(() => encoder.stopPool(wrong({})), "INVALID_ARGUMENT", /startPool gave, received/);
  });

  it("a device that cannot be opened names the devices that can", async () => {
    // No machine that runs this test has seventeen of them.
    await expectError(
      () => encoder.startPool(["cpu", "cuda:99"]),
      "DEVICE_UNAVAILABLE",
      /cuda:99.*open here: cpu/,
    );
    await expectError(
      () => SparseEncoder.load(small, { device: "cuda:99" }),
      "DEVICE_UNAVAILABLE",
      /open here: cpu/,
    );
  });

  it("an abort in the middle rejects with its reason", async () => {
    const abort = new AbortController();
    const reason = new Error("changed my mind");
    let done = 0;
    const call = encoder.encode(golden.texts.concat(golden.texts, golden.texts), {
      batchSize: 1,
      signal: abort.signal,
      onProgress: (progress) => {
        done = progress.done;
        abort.abort(reason);
      },
    });
    const error = await expectError(() => call, "ABORTED");
    expect(error.cause).toBe(reason);
    expect(done).toBe(1);
  });

  it("an error of onProgress fails its call and no other, and is not called again", async () => {
    const failure = new Error("terminal is gone");
    let calls = 0;
    const failing = encoder.encode(golden.texts, {
      batchSize: 1,
      onProgress: () => {
        calls++;
        throw failure;
      },
    });
    const other = encoder.encode(golden.texts, { batchSize: 1 });
    await expect(failing).rejects.toBe(failure);
    expectVectors(await other, golden.encode, golden.texts);
    expect(calls).toBe(1);
  });

  describe("works with", () => {
    it("an empty list: no rows", async () => {
      for (const method of methods) {
        const embeddings = await encoder[method]([]);
        expect(embeddings.shape).toEqual([0, 1500]);
        expect([...embeddings]).toEqual([]);
        expect(encoder.decode(embeddings)).toEqual([]);
      }
      expect(await drain(encoder.encodeStream([]))).toEqual([]);
      const pool = await encoder.startPool(["cpu", "cpu"]);
      expect((await encoder.encode([], { pool, chunkSize: 3 })).shape).toEqual([0, 1500]);
      await encoder.stopPool(pool);
      expect((await encoder.encode([], { device: "cpu" })).shape).toEqual([0, 1500]);
    });

    it("empty and blank texts: the embedding of the special tokens, as in the reference", async () => {
      const position = golden.texts.indexOf("");
      const rows = await encoder.encode(["", "   ", "\n\t"]);
      const expected = golden.encode[position]!;
      expectVectors(rows, [expected, expected, expected]);
    });

    it("a lone surrogate, which counts as U+FFFD", async () => {
      const [lone, replaced] = await encoder.tokenize(["one \ud83d two", "one \ufffd two"]);
      expect([...lone!]).toEqual([...replaced!]);
      expect((await encoder.encode("\udc00")).indices.length).toBeGreaterThan(0);
    });

    it("a text that spells a special token, which becomes that token as in the reference", async () => {
      const [ids] = await encoder.tokenize(["[SEP] [MASK]"]);
      expect([...ids!]).toEqual([2, 3, 4, 3]);
      expect((await encoder.encode("[SEP]")).indices.length).toBeGreaterThan(0);
    });

    it("a word and blanks without end", async () => {
      const blanks = " ".repeat(40_000);
      const [ids, expected] = await encoder.tokenize([`one${blanks}two${blanks}`, "one two"]);
      expect([...ids!]).toEqual([...expected!]);
    });

    it("a text of 10 MB, cut to its start, while timers fire", async () => {
      const sentence = "one two, three and the rest of it. ";
      const text = sentence.repeat(10_000_000 / sentence.length);
      let ticks = 0;
      const timer = setInterval(() => ticks++, 1);
      const row = await encoder.encode(text);
      clearInterval(timer);
      expect(ticks).toBeGreaterThan(0);
      const start = await encoder.encode(text.slice(0, 20_000));
      expect(row.equals(start)).toBe(true);
    });

    it("100 calls at once, each with its own rows", async () => {
      const count = golden.texts.length;
      const calls = Array.from({ length: 100 }, (_, number) => {
        const positions = [number % count, (7 * number + 3) % count];
        const texts = positions.map((position) => golden.texts[position]!);
        return encoder.encode(texts).then((rows) => {
          expectVectors(
            rows,
            positions.map((position) => golden.encode[position]!),
            texts,
          );
        });
      });
      await Promise.all(calls);
      expect.assertions(3 * calls.length);
    });

    it("a frozen array, a subclass of Array, and options that are undefined", async () => {
      class Texts extends Array<string> {}
      const undefinedOptions = {
        batchSize: undefined,
        pool: undefined,
        device: undefined,
        signal: undefined,
      };
      const rows = await encoder.encode(Object.freeze(["a", "b"]), wrong(undefinedOptions));
      expect((await encoder.encode(Texts.from(["a", "b"]))).equals(rows)).toBe(true);
      expect(rows.shape).toEqual([2, 1500]);
    });

    it("texts that are changed during the call: as they were when it began", async () => {
      const texts = golden.texts.concat(golden.texts);
      const call = encoder.encode(texts, { batchSize: 1, onProgress: () => texts.fill("changed") });
      expectVectors(await call, golden.encode.concat(golden.encode));
    });
  });
});

describe("a closed encoder", () => {
  it("refuses every call, and closes again without complaint", async () => {
    const encoder = await SparseEncoder.load(small);
    const pool = await encoder.startPool(["cpu"]);
    const embeddings = await encoder.encode(["a"]);
    await encoder.close();
    for (const call of [
      () => encoder.encode("a"),
      () => encoder.encode([]),
      () => encoder.encodeQuery("a"),
      () => encoder.encodeDocument(["a"]),
      () => drain(encoder.encodeStream(["a"])),
      () => encoder.tokenize(["a"]),
      () => encoder.startPool(["cpu"]),
      () => encoder.encode("a", { pool }),
      () => encoder.encode("a", { device: "cpu" }),
    ]) {
      await expectError(call, "CLOSED", /load it again/);
    }
    await encoder.close();
    await encoder.destroy();
    await encoder.stopPool(pool);
    await pool.destroy();
    // What needs no worker still answers.
    expect(encoder.decode(embeddings)[0]!.length).toBeGreaterThan(0);
  });
});

describe("load refuses", () => {
  it("arguments that cannot work", async () => {
    for (const model of [null, 3, "", ["a"]]) {
      await expectError(
        () => SparseEncoder.load(wrong(model)),
        "INVALID_ARGUMENT",
        /path of a model folder.*received/,
      );
    }
    const unknown = /'maxSeqLen'.*maxSeqLength.*device.*workers.*threads.*maxActiveDims/;
    await expectError(() => SparseEncoder.load(small, wrong({ maxSeqLen: 3 })), "UNKNOWN_OPTION", unknown);
    await expectError(
      () => SparseEncoder.load(small, wrong("cpu")),
      "INVALID_ARGUMENT",
      /options must be an object/,
    );
    await expectError(
      () => SparseEncoder.load(small, wrong(null)),
      "INVALID_ARGUMENT",
      /options must be an object/,
    );
    for (const option of ["maxSeqLength", "maxActiveDims", "workers", "threads"]) {
      for (const value of notCounts) {
        const message = new RegExp(`${option} must be a whole number of at least 1, received`);
        await expectError(
          () => SparseEncoder.load(small, { [option]: wrong(value) }),
          "INVALID_ARGUMENT",
          message,
        );
      }
    }
    for (const [option, value] of [
      ["device", "gpu"],
      ["device", []],
      ["dtype", "fp64"],
      ["similarity", "euclid"],
      ["prompts", { query: 3 }],
      ["prompts", ["query: "]],
      ["defaultPromptName", "none such"],
      ["signal", "now"],
      ["cacheDir", ""],
    ] as const) {
      await expectError(
        () => SparseEncoder.load(small, { [option]: wrong(value) }),
        "INVALID_ARGUMENT",
        option,
        /received/,
      );
    }
    await expectError(
      () => SparseEncoder.load(small, { maxSeqLength: 513 }),
      "INVALID_ARGUMENT",
      /at most 512, received 513/,
    );
    await expectError(() => SparseEncoder.load(small, { signal: AbortSignal.abort() }), "ABORTED");
  });

  it("a folder that does not exist, a file, and an empty folder", async () => {
    const missing = path.join(root, "no", "such");
    await expectError(() => SparseEncoder.load(missing), "MODEL_NOT_FOUND", missing, /Check the path/);
    const file = path.join(small, "config.json");
    await expectError(() => SparseEncoder.load(file), "MODEL_NOT_FOUND", /is a file, not a model folder/);
    const empty = mkdtempSync(path.join(root, "empty-"));
    await expectError(() => SparseEncoder.load(empty), "MODEL_NOT_FOUND", /config\.json is missing/);
  });

  it.each([
    ["config.json", "MODEL_NOT_FOUND", /config\.json is missing/],
    ["model.safetensors", "MODEL_NOT_FOUND", /no weights; looked for model\.safetensors/],
    ["tokenizer.json", "TOKENIZER_INVALID", /no tokenizer; looked for tokenizer\.json/],
  ] as const)("a folder without %s", async (file, code, message) => {
    const folder = copyOf("bert-max-relu");
    rmSync(path.join(folder, file));
    await expectError(() => SparseEncoder.load(folder), code, message, folder);
  });

  it.each([
    ["config.json", "MODEL_INVALID"],
    ["modules.json", "MODEL_INVALID"],
    ["config_sentence_transformers.json", "MODEL_INVALID"],
    ["sentence_bert_config.json", "MODEL_INVALID"],
    ["1_SpladePooling/config.json", "MODEL_INVALID"],
    ["tokenizer.json", "TOKENIZER_INVALID"],
    ["tokenizer_config.json", "TOKENIZER_INVALID"],
  ] as const)("broken JSON, an array or nothing in %s", async (name, code) => {
    const folder = copyOf("bert-max-relu");
    const file = path.join(folder, name);
    const good = readFileSync(file, "utf8");
    // Settings of the tokenizer are read for the length first.
    const codes = name === "tokenizer_config.json" ? ["MODEL_INVALID", code] : [code];
    for (const broken of [good.slice(0, good.length / 2), "", '"text"', "7"]) {
      writeFileSync(file, broken);
      const error = await SparseEncoder.load(folder).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      if (!SparseEncoderError.is(error))
        throw new Error(`${name} = ${broken.slice(0, 20)}: ${error}`, { cause: error });
      expect(codes, error.message).toContain(error.code);
      expect(error.message).toContain(path.basename(name));
    }
  });

  it("settings of the wrong type, and sizes that cannot be", async () => {
    for (const [key, value] of [
      ["hidden_size", "32"],
      ["hidden_size", 0],
      ["num_hidden_layers", 1.5],
      ["num_attention_heads", 5],
      ["vocab_size", -1],
      ["max_position_embeddings", "many"],
    ] as const) {
      const folder = copyOf("bert-max-relu");
      editJson(path.join(folder, "config.json"), (json) => {
        json[key] = value;
      });
      await expectError(() => SparseEncoder.load(folder), "MODEL_INVALID", /config\.json/);
    }
  });

  it("sizes in config.json that the weights do not have", async () => {
    for (const [key, value] of [
      ["hidden_size", 64],
      ["vocab_size", 1501],
      ["intermediate_size", 65],
      ["max_position_embeddings", 1024],
      ["num_hidden_layers", 3],
    ] as const) {
      const folder = copyOf("bert-max-relu");
      editJson(path.join(folder, "config.json"), (json) => {
        json[key] = value;
      });
      await expectError(() => SparseEncoder.load(folder), "WEIGHTS_INVALID", /model\.safetensors/);
    }
  });

  it.each([
    ["a decoder", { model_type: "gpt2", architectures: ["GPT2LMHeadModel"] }],
    ["another decoder", { model_type: "gemma2", architectures: ["Gemma2ForCausalLM"] }],
    ["a vision model", { model_type: "vit", architectures: ["ViTForImageClassification"] }],
    ["a sequence-to-sequence model", { model_type: "t5", architectures: ["T5ForConditionalGeneration"] }],
    ["custom code", { model_type: "jina_bert", architectures: ["JinaBertModel"] }],
    ["no architecture", { model_type: undefined, architectures: undefined }],
  ])("%s, and lists the supported architectures", async (_, change) => {
    const folder = copyOf("bert-max-relu");
    editJson(path.join(folder, "config.json"), (json) => Object.assign(json, change));
    const message = /Supported architectures: BertForMaskedLM.*ModernBertForMaskedLM/;
    const named = change.architectures?.[0] ?? "no architecture";
    await expectError(() => SparseEncoder.load(folder), "MODEL_UNSUPPORTED", message, named);
    // Neither as a plain checkpoint.
    rmSync(path.join(folder, "modules.json"));
    rmSync(path.join(folder, "config_sentence_transformers.json"));
    await expectError(() => SparseEncoder.load(folder), "MODEL_UNSUPPORTED", message, named);
  });

  it("a model type and a module that are not supported, and lists the supported ones", async () => {
    const folder = copyOf("bert-max-relu");
    editJson(path.join(folder, "config_sentence_transformers.json"), (json) => {
      json.model_type = "MultiVectorEncoder";
    });
    await expectError(
      () => SparseEncoder.load(folder),
      "MODEL_UNSUPPORTED",
      /'MultiVectorEncoder'.*Supported: SparseEncoder/,
    );
    const modules = copyOf("bert-max-relu");
    const type = "sentence_transformers.models.CLIPModel";
    writeFileSync(
      path.join(modules, "modules.json"),
      JSON.stringify([{ idx: 0, name: "0", path: "", type }]),
    );
    await expectError(
      () => SparseEncoder.load(modules),
      "MODEL_UNSUPPORTED",
      /CLIPModel'.*Supported modules: Transformer/,
    );
    for (const list of [
      [],
      {},
      [3],
      [{ type: 3 }],
      [{ path: "..", type: "sentence_transformers.models.Transformer" }],
    ]) {
      writeFileSync(path.join(modules, "modules.json"), JSON.stringify(list));
      await expectError(
        () => SparseEncoder.load(modules),
        list.toString() === "" ? "MODEL_INVALID" : "MODEL_INVALID",
        /modules\.json/,
      );
    }
  });

  it("a dense model as a sparse one and the reverse, and names the class that loads it", async () => {
    const dense = goldenModelFolder("dense-mean-normalize");
    await expectError(() => SparseEncoder.load(dense), "MODEL_UNSUPPORTED", /DenseEncoder\.load/);
    await expectError(() => DenseEncoder.load(small), "MODEL_UNSUPPORTED", /SparseEncoder\.load/);
    await expectError(() => DenseEncoder.load(wrong(undefined)), "INVALID_ARGUMENT", /received undefined/);
  });

  it("a tokenizer of another model", async () => {
    const folder = copyOf("bert-max-relu");
    editJson(path.join(folder, "tokenizer.json"), (json) => {
      const { vocab } = json.model as { vocab: Record<string, number> };
      for (let id = 1500; id < 1600; id++) vocab[`entry${id}`] = id;
    });
    await expectError(() => SparseEncoder.load(folder), "TOKENIZER_INVALID", /1600 entries.*knows 1500/);
  });

  describe("weights", () => {
    /** Writes a safetensors file whose header is changed. */
    function withHeader(
      edit: (header: Record<string, Record<string, unknown>>, data: Buffer) => Buffer | undefined,
    ): string {
      const folder = copyOf("bert-max-relu");
      const file = path.join(folder, "model.safetensors");
      const bytes = readFileSync(file);
      const length = Number(bytes.readBigUInt64LE());
      const header = JSON.parse(bytes.subarray(8, 8 + length).toString("utf8")) as Record<
        string,
        Record<string, unknown>
      >;
      const data = bytes.subarray(8 + length);
      const changed = edit(header, data) ?? data;
      const text = Buffer.from(JSON.stringify(header));
      const prefix = Buffer.alloc(8);
      prefix.writeBigUInt64LE(BigInt(text.length));
      writeFileSync(file, Buffer.concat([prefix, text, changed]));
      return folder;
    }

    function withBytes(edit: (bytes: Buffer) => Buffer): string {
      const folder = copyOf("bert-max-relu");
      const file = path.join(folder, "model.safetensors");
      writeFileSync(file, edit(readFileSync(file)));
      return folder;
    }

    const words = "bert.embeddings.word_embeddings.weight";
    const refused = (folder: string, ...parts: (string | RegExp)[]) =>
      expectError(() => SparseEncoder.load(folder), "WEIGHTS_INVALID", "model.safetensors", ...parts);

    it("that are empty, cut, or have a header that is longer than the file or no JSON", async () => {
      await refused(
        withBytes(() => Buffer.alloc(0)),
        /has 0 bytes/,
      );
      await refused(
        withBytes((bytes) => bytes.subarray(0, 5)),
        /has 5 bytes/,
      );
      await refused(
        withBytes((bytes) => bytes.subarray(0, 100)),
        /names a header of/,
      );
      await refused(
        withBytes((bytes) => bytes.subarray(0, bytes.length - 1)),
        /cut off: download it again/,
      );
      await refused(
        withBytes((bytes) => bytes.subarray(0, bytes.length / 2)),
        /cut off: download it again/,
      );
      await refused(
        withBytes((bytes) => bytes.fill(0xff, 0, 8)),
        /names a header of/,
      );
      await refused(
        withBytes((bytes) => bytes.fill("x", 8, 20)),
        /header that is not valid JSON/,
      );
      await refused(
        withBytes((bytes) => Buffer.concat([bytes, Buffer.alloc(4)])),
        /4 bytes behind its last tensor/,
      );
      await refused(
        withBytes(() => Buffer.from("version https://git-lfs.github.com/spec/v1\n")),
        /LFS pointer.*git lfs pull/,
      );
    });

    it("with offsets beyond the end, reversed, overlapping or with gaps", async () => {
      const setOffsets = (change: (range: number[]) => void) =>
        withHeader((header) => {
          change(header[words]!.data_offsets as number[]);
          return undefined;
        });
      await refused(
        setOffsets((range) => range.fill(1e9)),
        words,
      );
      await refused(
        setOffsets((range) => range.reverse()),
        words,
        /data_offsets/,
      );
      await refused(
        setOffsets((range) => range.splice(0, 2, -4, 8)),
        words,
        /data_offsets/,
      );
      await refused(
        setOffsets((range) => range.splice(0, 2, 0, 0.5)),
        words,
        /data_offsets/,
      );
      await refused(
        withHeader((header) => {
          const [first, second] = Object.entries(header).filter(
            ([, entry]) => entry.data_offsets !== undefined,
          );
          const [a, b] = [first![1].data_offsets as number[], second![1].data_offsets as number[]];
          const length = b[1]! - b[0]!;
          second![1].data_offsets = [a[0]!, a[0]! + length];
          return undefined;
        }),
        /overlap|unused/,
      );
    });

    it("with a tensor that is missing, or of another type or shape, and names it", async () => {
      for (const name of [
        words,
        "bert.encoder.layer.1.output.dense.weight",
        "cls.predictions.transform.dense.bias",
      ]) {
        await refused(
          withHeader((header) => {
            header[`${name}.renamed`] = header[name]!;
            delete header[name];
            return undefined;
          }),
          name.replace("bert.", ""),
        );
        await refused(
          withHeader((header) => {
            header[name]!.dtype = "I32";
            return undefined;
          }),
          name,
          /I32/,
        );
        await refused(
          withHeader((header) => {
            header[name]!.shape = [...(header[name]!.shape as number[])].concat(1);
            return undefined;
          }),
          name,
          /shape|\[/,
        );
      }
      await refused(
        withHeader((header) => {
          header[words]!.dtype = "X9";
          return undefined;
        }),
        words,
        /'X9'; known types/,
      );
      await refused(
        withHeader((header) => {
          header[words]!.shape = [1500, 33];
          return undefined;
        }),
        words,
        /bytes, but F32/,
      );
      await refused(
        withHeader((header) => {
          header[words]!.shape = "wide";
          return undefined;
        }),
        words,
        /the shape 'wide'/,
      );
    });

    it("that are a folder", async () => {
      const folder = copyOf("bert-max-relu");
      rmSync(path.join(folder, "model.safetensors"));
      cpSync(path.join(folder, "1_SpladePooling"), path.join(folder, "model.safetensors"), {
        recursive: true,
      });
      await expectError(() => SparseEncoder.load(folder), "WEIGHTS_INVALID", /model\.safetensors/);
    });
  });
});

describe("a folder with modules.json but without config_sentence_transformers.json", () => {
  it("runs the modules that it lists, as sparse and as dense encoder", async () => {
    const folder = copyOf("bert-max-relu");
    rmSync(path.join(folder, "config_sentence_transformers.json"));
    const encoder = await SparseEncoder.load(folder);
    // sentence-transformers would put an untrained autoencoder behind them, and change every number.
    expect(encoder.describe().modules.plain).toEqual(["Transformer", "SpladePooling"]);
    expectVectors(await encoder.encode(golden.texts), golden.encode, golden.texts);
    await encoder.close();

    const dense = copyOf("dense-mean-normalize");
    rmSync(path.join(dense, "config_sentence_transformers.json"));
    const other = await DenseEncoder.load(dense);
    const whole = await DenseEncoder.load(goldenModelFolder("dense-mean-normalize"));
    const texts = ["one", "two and three"];
    expect([...(await other.encode(texts))]).toEqual([...(await whole.encode(texts))]);
    await other.close();
    await whole.close();
  });
});

describe("loading that is aborted", () => {
  it("at any moment rejects with ABORTED or gives an encoder that works", async () => {
    const outcomes: (SparseEncoderErrorCode | "works")[] = [];
    for (let delay = 0; delay < 60; delay += 10) {
      const abort = new AbortController();
      const loading = SparseEncoder.load(small, { signal: abort.signal });
      setTimeout(() => abort.abort(), delay);
      try {
        await using encoder = await loading;
        expectVectors(await encoder.encode(golden.texts.slice(0, 2)), golden.encode.slice(0, 2));
        outcomes.push("works");
      } catch (error) {
        if (!SparseEncoderError.is(error)) throw error;
        outcomes.push(error.code);
      }
    }
    expect(outcomes[0]).toBe("ABORTED");
    expect(["ABORTED", "works"]).toEqual(expect.arrayContaining([...new Set(outcomes)]));
  });
});
