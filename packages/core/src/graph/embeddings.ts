import type { StoredTensor } from "../model/index.ts";
import { gatherRows, linear } from "./layers.ts";
import type { OnnxGraph, Value } from "./onnx/onnx-graph.ts";
import { norm, type TransformerBuilding } from "./transformer-parts.ts";

/** Words, positions and token types, normed and brought to the hidden size: [B x S, H]. */
export function addEmbeddings(transformer: TransformerBuilding, ids: Value, places: Value): Value {
  const { graph, tensors, family, shape, prefix } = transformer;
  const { names } = family;
  const width = shape.embeddingSize ?? shape.hiddenSize;
  const table = (name: string, rows: number) => tensors.get(prefix + name, [rows, width]);

  const words = gatherRows(transformer, prefix + names.words, ids, shape.vocabularySize, width);
  let embedded =
    shape.embeddingScale === undefined ? words : graph.op("Mul", [words, graph.scalar(shape.embeddingScale)]);
  if (shape.positions !== undefined && names.positions !== undefined) {
    const positions = graph.weight(table(names.positions, shape.positions.rows));
    const { paddingId } = shape.positions;
    const numbers = paddingId === undefined ? places : countFromPadding(graph, ids, paddingId);
    embedded = graph.op("Add", [embedded, graph.op("Gather", [positions, numbers])]);
  }
  if (shape.tokenTypes !== undefined && names.tokenTypes !== undefined) {
    const types = table(names.tokenTypes, shape.tokenTypes);
    embedded = graph.op("Add", [embedded, addTokenTypes(transformer, types, places)]);
  }
  const rows = graph.op("Reshape", [embedded, graph.integers(-1, width)]);
  const normed =
    names.embeddingNorm === undefined ? rows : norm(transformer, prefix + names.embeddingNorm, rows, width);
  return shape.embeddingSize === undefined || names.projection === undefined
    ? normed
    : linear(transformer, prefix + names.projection, normed, width, shape.hiddenSize);
}

/** What is added for the types of the tokens: [1, width], or [B, S, width] for pairs of texts. */
function addTokenTypes(
  { graph, shape, readsPairs = false }: TransformerBuilding,
  table: StoredTensor,
  places: Value,
): Value {
  // A single text has token type 0 throughout, so one row of that table serves all positions.
  if (!readsPairs || shape.tokenTypes === 1) return graph.weight(table, [0, 1]);
  const starts = graph.op("Cast", [graph.input("type_starts", "int32", ["batch"])], { to: 7 });
  const isSecond = graph.op("GreaterOrEqual", [
    graph.op("Unsqueeze", [places, graph.integers(0)]),
    graph.op("Unsqueeze", [starts, graph.integers(1)]),
  ]);
  return graph.op("Gather", [graph.weight(table), graph.op("Cast", [isSecond], { to: 7 })]);
}

/** Positions that count up from behind `paddingId` and stand still at tokens of that id: int64 [B, S]. */
function countFromPadding(graph: OnnxGraph, ids: Value, paddingId: number): Value {
  const wide = graph.op("Cast", [ids], { to: 7 });
  const padding = graph.op("Equal", [wide, graph.integer(paddingId)]);
  const counted = graph.op("Cast", [graph.op("Not", [padding])], { to: 7 });
  const count = graph.op("Mul", [graph.op("CumSum", [counted, graph.integer(1)]), counted]);
  return graph.op("Add", [count, graph.integer(paddingId)]);
}
