import {
  type DenseEncoder,
  DenseMatrix,
  type SparseEncoder,
  SparseMatrix,
  type SparseVector,
} from "@sparse-encoder/core";

/** An encode method that asks the model once for each text, for tests that give the same texts to core and to an adapter. */
function once<Row>(
  encode: (texts: readonly string[]) => Promise<Iterable<Row>>,
): (texts: readonly string[]) => Promise<Row[]> {
  const rows = new Map<string, Row>();
  return async (texts) => {
    const fresh = [...new Set(texts)].filter((text) => !rows.has(text));
    const encoded = fresh.length === 0 ? [] : [...(await encode(fresh))];
    for (const [place, text] of fresh.entries()) rows.set(text, encoded[place]!);
    return texts.map((text) => rows.get(text)!);
  };
}

/** A sparse encoder that encodes each text once. */
export function sparseOnce(model: SparseEncoder) {
  const query = once<SparseVector>((texts) => model.encodeQuery(texts));
  const document = once<SparseVector>((texts) => model.encodeDocument(texts));
  return {
    encodeQuery: async (texts: readonly string[]) => SparseMatrix.fromRows(await query(texts)),
    encodeDocument: async (texts: readonly string[]) => SparseMatrix.fromRows(await document(texts)),
  };
}

/** A dense encoder that encodes each text once. */
export function denseOnce(model: DenseEncoder) {
  const { embeddingDimension } = model;
  const query = once<Float32Array>((texts) => model.encodeQuery(texts));
  const document = once<Float32Array>((texts) => model.encodeDocument(texts));
  const toMatrix = (rows: readonly Float32Array[]) =>
    new DenseMatrix(Float32Array.from(rows.flatMap((row) => [...row])), embeddingDimension);
  return {
    embeddingDimension,
    encodeQuery: async (texts: readonly string[]) => toMatrix(await query(texts)),
    encodeDocument: async (texts: readonly string[]) => toMatrix(await document(texts)),
  };
}
