import {
  Bm25Encoder,
  HybridRetriever,
  InvertedIndex,
  MemoryStore,
  SparseEncoder,
  SparseVector,
} from "@sparse-encoder/core";
import { parseFilter, QdrantStore } from "@sparse-encoder/core/stores";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** Calls as other libraries have them, which the types would refuse. */
type Loose = Record<string, (...parameters: unknown[]) => unknown>;

const loose = (value: unknown): Loose => value as Loose;
const vector = new SparseVector([1], [1], 8);

let encoder: SparseEncoder;
let retriever: HybridRetriever;

beforeAll(async () => {
  encoder = await SparseEncoder.load();
  retriever = new HybridRetriever({ arms: { sparse: { encoder, store: new MemoryStore() } } });
});
afterAll(() => encoder.close());

async function answerTo(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    expect((error as { code?: string }).code, String(error)).toMatch(/^[A-Z_]+$/);
    return (error as Error).message;
  }
  return expect.unreachable("the call was answered");
}

describe("methods of other libraries", () => {
  it.each([
    ["embed", ["text"], "encodeDocument(texts)"],
    ["passageEmbed", [["text"]], "encodeDocument(texts)"],
    ["passage_embed", [["text"]], "encodeDocument(texts)"],
    ["queryEmbed", ["text"], "encodeQuery(text)"],
    ["encode_query", ["text"], "encodeQuery()"],
    ["encode_document", ["text"], "encodeDocument()"],
    ["similarity_pairwise", [vector, vector], "similarityPairwise()"],
    ["get_sentence_embedding_dimension", [], "embeddingDimension"],
    ["getSentenceEmbeddingDimension", [], "embeddingDimension"],
    ["start_multi_process_pool", [], "startPool(devices)"],
    ["stopMultiProcessPool", [{}], "pool.close()"],
    ["save_pretrained", ["x"], "save(folder)"],
    ["push_to_hub", ["x"], "save(folder)"],
    ["dispose", [], "close()"],
    ["to", ["cuda"], "load(model, { device })"],
  ])("encoder.%s(%o)", async (name, parameters, here) => {
    expect(await answerTo(() => loose(encoder)[name]!(...parameters))).toContain(
      `SparseEncoder has no ${name}; here it is ${here}`,
    );
  });

  it("properties are answered where they are read and where they are set", async () => {
    const words = { max_seq_length: "maxSeqLength", max_active_dims: "maxActiveDims" };
    for (const [name, here] of Object.entries(words)) {
      for (const use of [() => loose(encoder)[name], () => Object.assign(encoder, { [name]: 5 })])
        expect(await answerTo(use)).toBe(`SparseEncoder has no ${name}; here it is ${here}.`);
    }
    expect(encoder.maxSeqLength).toBe(512);
  });

  it.each([
    ["retriever", "search", "retrieve(query, { k })"],
    ["retriever", "similaritySearch", "retrieve(query, { k })"],
    ["retriever", "get_relevant_documents", "retrieve(query, { k })"],
    ["retriever", "addDocuments", "add([{ id, text, metadata }])"],
    ["retriever", "upsert", "add([{ id, text, metadata }])"],
    ["store", "query", "searchSparse(vector, query, { k })"],
    ["store", "add", "upsert(documents)"],
    ["store", "fetch", "get(ids)"],
    ["index", "query", "search(vector, { topK })"],
    ["SparseEncoder", "from_pretrained", "load(model)"],
    ["SparseEncoder", "init", "load(model)"],
    ["MemoryStore", "connect", "open(…)"],
    ["QdrantStore", "create", "open(…)"],
  ])("%s.%s()", async (owner, name, here) => {
    const owners = {
      retriever,
      store: new MemoryStore(),
      index: new InvertedIndex(8),
      SparseEncoder,
      MemoryStore,
      QdrantStore,
    };
    const target = owners[owner as keyof typeof owners];
    expect(await answerTo(() => loose(target)[name]!({}))).toContain(`has no ${name}; here it is ${here}`);
  });

  it("are neither listed nor tested for by programs", () => {
    for (const target of [encoder, retriever, new MemoryStore()]) {
      const names: string[] = [];
      for (const name in target) names.push(name);
      expect(names).not.toContain("embed");
      for (const name of ["then", "invoke", "embedQuery", "embedDocuments", "toJSON"])
        expect(name in target, name).toBe(false);
    }
    // An encoder in place of an arm is refused as before.
    expect(() => new HybridRetriever({ arms: { sparse: encoder as never } })).toThrow(
      "The arm sparse: unknown option",
    );
  });
});

describe("options of other libraries", () => {
  it.each([
    [{ includeMetadata: true }, "What is found has its text and metadata."],
    [{ with_payload: true }, "What is found has its text and metadata."],
    [{ n_results: 3 }, "Did you mean k?"],
    [{ limit: 3 }, "Did you mean k?"],
    [{ where: {} }, "Did you mean filter?"],
    [{ expr: "year > 3" }, "Did you mean filter?"],
    [{ score_threshold: 0.5 }, "Did you mean minScore?"],
    [{ fetchK: 20 }, "Did you mean mmr?"],
    [{ lambda_mult: 0.5 }, "Did you mean mmr?"],
    [{ reranker: {} }, "Did you mean rerank?"],
    [{ search_kwargs: {} }, "What belongs into it is an option of its own."],
    [{ namespace: "a" }, "A namespace is a store of its own"],
    [{ offset: 10 }, "Ask for more with k"],
    [5, "Did you mean { k: 5 }?"],
  ])("retrieve(query, %o)", async (options, answer) => {
    expect(await answerTo(() => loose(retriever).retrieve!("text", options))).toContain(answer);
  });

  it.each([
    [{ convert_to_tensor: true }, "Vectors are typed arrays"],
    [{ convertToNumpy: true }, "Vectors are typed arrays"],
    [{ show_progress_bar: true }, "Did you mean onProgress?"],
    [{ normalize_embeddings: true }, "Sparse vectors keep their lengths"],
    [{ pooling: "mean" }, "The model names its own pooling."],
    [{ precision: "int8" }, "The number format is the option dtype of load."],
    [{ output_value: "token_embeddings" }, "Vectors of single tokens"],
    [{ truncation: true }, "cut to maxSeqLength"],
    [{ parallel: 2 }, "Did you mean device?"],
    [{ task: "query" }, "Did you mean promptName?"],
    [32, "Did you mean { batchSize: 32 }?"],
    ["another text", "Several texts are one array."],
  ])("encode(text, %o)", async (options, answer) => {
    expect(await answerTo(() => loose(encoder).encode!("text", options))).toContain(answer);
  });

  it.each([
    [{ model: "a/b" }, "The model is the first argument"],
    [{ model_name_or_path: "a/b" }, "The model is the first argument"],
    [{ trust_remote_code: true }, "No code of a model is run"],
    [{ backend: "onnx" }, "Every model runs on ONNX Runtime."],
    [{ model_kwargs: {} }, "is an option of its own"],
    [{ providers: ["CPUExecutionProvider"] }, "Did you mean device?"],
    [{ torch_dtype: "float16" }, "Did you mean dtype?"],
    [{ progress_callback: () => {} }, "Did you mean onProgress?"],
    [{ hf_token: "x" }, "Did you mean token?"],
    [{ local_files_only: true }, "Did you mean localFilesOnly?"],
    [{ dtype: "q4" }, "Did you mean int8?"],
    [{ dtype: "torch.bfloat16" }, "Did you mean fp16?"],
    [{ device: 0 }, "Did you mean cuda:0?"],
    [{ device: ["cpu", "cpu"] }, "A list of devices is an option of encode."],
    [{ device: "CUDAExecutionProvider" }, "Did you mean cuda?"],
    [{ similarity: "dot_score" }, "Did you mean dot?"],
    [{ similarity: "cos_sim" }, "Did you mean cosine?"],
  ])("load(%o)", async (options, answer) => {
    expect(await answerTo(() => loose(SparseEncoder).load!(options))).toContain(answer);
  });

  it.each([
    ["RRF", "rrf"],
    ["reciprocal_rank_fusion", "rrf"],
    ["relativeScoreFusion", "relativeScore"],
    ["dbsf", "distributionScore"],
    ["dist_based_score", "distributionScore"],
  ])("fusion %s", async (fusion, meant) => {
    const call = () => loose(retriever).retrieve!("text", { fusion });
    expect(await answerTo(call)).toContain(`Did you mean ${meant}?`);
  });

  it.each([
    [() => Reflect.construct(Bm25Encoder, [{ language: "English" }]), "Did you mean en?"],
    [() => Reflect.construct(Bm25Encoder, [{ language: "pt-BR" }]), "Did you mean pt?"],
    [() => Reflect.construct(Bm25Encoder, [{ lang: "en" }]), "Did you mean language?"],
    [() => loose(QdrantStore).open!({ host: "x" }), "Did you mean url?"],
    [() => Reflect.construct(MemoryStore, [{ path: "x" }]), "opened by MemoryStore.open(folder)"],
    [() => Reflect.construct(HybridRetriever, [{ retrievers: [] }]), "Did you mean arms?"],
    [() => loose(encoder).splitText!("text", { chunkSize: 5 }), "Did you mean maxTokens?"],
    [() => loose(encoder).decode!(vector, 5), "Did you mean { topK: 5 }?"],
    [() => loose(retriever).add!("text"), "add: expected an array"],
  ])("%s", async (call, answer) => {
    expect(await answerTo(call)).toContain(answer);
  });
});

describe("filters of other systems", () => {
  it.each([
    ["year > 2020", "expressions in text are not read"],
    [[{ year: 2020 }, { page: 1 }], "joined as { $and: ["],
    [{ $nor: [{ year: 2020 }] }, "{ $not: { $or: […] } }"],
    [{ $AND: [{ year: 2020 }] }, "'$AND' is written $and here"],
    [{ key: "year", match: { value: 2020 } }, 'its field as its name: { "year": '],
    [{ key: "year", operator: ">=", value: [2020] }, '{ "year": { $gte: … } }'],
    [{ path: ["page", "year"], operator: "Equal", valueInt: 3 }, 'its field as its name: { "page.year": '],
    [{ operator: "And", operands: [{ path: ["year"] }] }, "conditions are joined as { $and"],
    [{ year: { $between: [1, 2] } }, '{ "year": { $gte: …, $lte: … } }'],
    [{ tags: { $all: ["x"] } }, '{ $and: [{ "tags": { $eq: … } }, …] }'],
    [{ title: { $regex: "x" } }, '{ "title": { $contains: … } }'],
    [{ title: { startsWith: "x" } }, '{ "title": { $contains: … } }'],
    [{ title: { notIn: ["x"] } }, "'notIn' is written $nin here"],
    [{ title: { not_in: ["x"] } }, "'not_in' is written $nin here"],
    [{ title: { $not_contains: "x" } }, '{ $not: { "title": { $contains: … } } }'],
    [{ title: { is_null: true } }, '{ "title": null }'],
  ])("%o", async (filter, answer) => {
    expect(await answerTo(() => parseFilter(filter as never))).toContain(answer);
  });

  it.each([
    [{ key: "a", value: 3 }],
    [{ operator: "Telecom", path: "/tmp" }],
    [{ path: { $in: ["a"] }, operator: { $exists: true } }],
  ])("fields may have such names: %o", (filter) => {
    expect(() => parseFilter(filter as never)).not.toThrow();
  });
});

describe("names of models", () => {
  it.each([
    ["naver/splade-v3@v1.0", "v1.0"],
    ["naver/splade-v3:main", "main"],
    [" naver/splade-v3 ", "main"],
    ["huggingface.co/naver/splade-v3", "main"],
    ["https://huggingface.co/naver/splade-v3.git", "main"],
    ["https://huggingface.co/api/models/naver/splade-v3", "main"],
    ["models--naver--splade-v3", "main"],
  ])("%s", async (name, revision) => {
    expect(await answerTo(() => SparseEncoder.load(name, { localFilesOnly: true }))).toContain(
      `"naver/splade-v3" at ${revision} is not wholly in the cache`,
    );
  });

  it("a file names its folder", async () => {
    expect(await answerTo(() => SparseEncoder.load("./package.json"))).toMatch(
      /not a model folder\. Name its folder, \S+\.$/,
    );
  });
});
