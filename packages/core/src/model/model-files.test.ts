import { describe, expect, it } from "vitest";
import { modelFiles } from "./model-files.ts";

describe("selection of files", () => {
  const splade = [
    ".gitattributes",
    "1_SpladePooling/config.json",
    "README.md",
    "config.json",
    "config_sentence_transformers.json",
    "model.safetensors",
    "modules.json",
    "pytorch_model.bin",
    "sentence_bert_config.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
    "figure.png",
    "eval_results.json",
    "train_config.json",
    "trainer_state.json",
    "training_args.bin",
    "optimizer.pt",
    "tf_model.h5",
    "flax_model.msgpack",
    "model.fp16.safetensors",
    "checkpoint-500/config.json",
    "checkpoint-500/model.safetensors",
    "onnx/model.onnx",
    "onnx/model_qint8_avx512_vnni.onnx",
    "onnx/config.json",
    "openvino/openvino_model.bin",
    "openvino/openvino_model.xml",
  ];
  const settings = splade.slice(1, 2).concat(splade.slice(3, 5), splade.slice(6, 7), splade.slice(8, 13));

  it("takes settings, tokenizer and safetensors of a splade model", () => {
    expect(modelFiles(splade)).toEqual(
      splade.filter((file) => settings.includes(file) || file === "model.safetensors"),
    );
  });

  it.each([
    ["pytorch_model.bin", ["model.safetensors"]],
    ["onnx/model.onnx", ["model.safetensors", "pytorch_model.bin"]],
  ])("falls back on %s", (kind, absent) => {
    const files = splade.filter((file) => !absent.includes(file));
    expect(modelFiles(files)).toEqual(files.filter((file) => settings.includes(file) || file === kind));
  });

  it("takes a named ONNX file with its data in place of other weights", () => {
    const files = [...splade, "onnx/model_O3.onnx", "onnx/model_O3.onnx_data", "onnx/model.onnx_data"];
    const onnx = (name: string) => modelFiles(files, name).filter((file) => !settings.includes(file));
    expect(onnx("onnx/model_qint8_avx512_vnni.onnx")).toEqual(["onnx/model_qint8_avx512_vnni.onnx"]);
    expect(onnx("onnx/model_O3.onnx")).toEqual(["onnx/model_O3.onnx", "onnx/model_O3.onnx_data"]);
    expect(onnx("model_O3.onnx")).toEqual(["onnx/model_O3.onnx", "onnx/model_O3.onnx_data"]);
    expect(onnx("absent.onnx")).toEqual(["model.safetensors"]);
  });

  it("takes the parts of divided weights with their index", () => {
    const parts = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
    const torch = ["pytorch_model-00001-of-00001.bin", "pytorch_model.bin.index.json"];
    expect(modelFiles(["config.json", ...parts, "model.safetensors.index.json", ...torch])).toEqual([
      "config.json",
      ...parts,
      "model.safetensors.index.json",
    ]);
    expect(modelFiles(["config.json", ...torch])).toEqual(["config.json", ...torch]);
  });

  it("takes weights of each module of a router, of its own kind", () => {
    const files = [
      "config.json",
      "document_0_MLMTransformer/config.json",
      "document_0_MLMTransformer/model.safetensors",
      "document_0_MLMTransformer/onnx/model.onnx",
      "document_0_MLMTransformer/onnx/model_O2.onnx",
      "document_0_MLMTransformer/tokenizer.json",
      "document_1_SpladePooling/config.json",
      "idf.json",
      "modules.json",
      "query_0_SparseStaticEmbedding/config.json",
      "query_0_SparseStaticEmbedding/pytorch_model.bin",
      "query_0_SparseStaticEmbedding/special_tokens_map.json",
      "query_token_weights.txt",
      "router_config.json",
      "sentencepiece.bpe.model",
    ];
    expect(modelFiles(files)).toEqual(files.filter((file) => !file.includes("onnx")));
    const named = files.filter((file) => !/model\.onnx|MLMTransformer\/model\.safetensors/.test(file));
    expect(modelFiles(files, "onnx/model_O2.onnx")).toEqual(named);
    expect(modelFiles(files, "document_0_MLMTransformer/onnx/model_O2.onnx")).toEqual(named);
  });

  it("never takes files outside the model's folders", () => {
    expect(
      modelFiles(["../config.json", "/config.json", "data/config.json", "a/1_Pooling/config.json"]),
    ).toEqual([]);
  });
});
