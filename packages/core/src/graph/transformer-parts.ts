import type { Family, LayerBiases, TransformerShape } from "./family.ts";
import { activation, type Building, byText, layerNorm, linear, rootMeanSquareNorm } from "./layers.ts";
import type { Value } from "./onnx/onnx-graph.ts";

/** A transformer that is being added: its family and sizes, and where its tensors are. */
export interface TransformerBuilding extends Building {
  readonly family: Family;
  readonly shape: TransformerShape;
  readonly prefix: string;
}

const attentionParts = ["query", "key", "value"] as const;

/** What attention makes of each token first. */
export type AttentionPart = (typeof attentionParts)[number];

/** Queries, keys and values by head: [B, heads of the part, S, D]; queries are not scaled. */
export type AttentionStates = Readonly<Record<AttentionPart, Value>>;

/** Which linear layers have a bias. */
export function biasesOf({ biases }: TransformerShape): LayerBiases {
  return biases ?? { attention: true, attentionOutput: true, up: true, down: true };
}

/** Heads of a part, and numbers per head. */
export function headsOf(
  { heads, keyHeads, headSize, hiddenSize }: TransformerShape,
  part: AttentionPart,
): { readonly heads: number; readonly size: number } {
  return { heads: part === "query" ? heads : (keyHeads ?? heads), size: headSize ?? hiddenSize / heads };
}

/** Query, key or value of each token, of all its heads: [B x S, H] to [B x S, heads x head size]. */
export function projectPart(
  transformer: TransformerBuilding,
  number: number,
  part: AttentionPart,
  tokens: Value,
): Value {
  const { family, shape, prefix } = transformer;
  const { name, start, width, total } = storedPart(transformer, part);
  const layer = prefix + family.names.layer(number);
  const bias = biasesOf(shape).attention;
  const rows = { start, total };
  return linear(transformer, layer + name, tokens, shape.hiddenSize, width, { bias, rows });
}

/** Queries or keys with each head normed, where a family does so: [B x S, heads x head size] to the same. */
export function normHeads(
  transformer: TransformerBuilding,
  number: number,
  part: "query" | "key",
  value: Value,
): Value {
  const { graph, family, shape, prefix } = transformer;
  const { headNorms } = family.names;
  if (shape.normedHeads !== true || headNorms === undefined) return value;
  const { heads, size } = headsOf(shape, part);
  const name = prefix + family.names.layer(number) + headNorms[part];
  const byHead = graph.op("Reshape", [value, graph.integers(-1, size)]);
  return graph.op("Reshape", [norm(transformer, name, byHead, size), graph.integers(-1, heads * size)]);
}

/** Repeats the heads of keys or values that several heads of queries share: [B, key heads, S, D] to [B, heads, S, D]. */
export function shareHeads({ graph, shape }: TransformerBuilding, batchShape: Value, value: Value): Value {
  const { heads: keyHeads, size } = headsOf(shape, "key");
  const copies = shape.heads / keyHeads;
  if (copies === 1) return value;
  const batch = graph.op("Slice", [batchShape, graph.integers(0), graph.integers(1)]);
  const length = graph.op("Slice", [batchShape, graph.integers(1), graph.integers(2)]);
  const sizes = (...heads: number[]) =>
    graph.op("Concat", [batch, graph.integers(...heads), length, graph.integers(size)], { axis: 0 });
  const repeated = graph.op("Expand", [
    graph.op("Unsqueeze", [value, graph.integers(2)]),
    sizes(keyHeads, copies),
  ]);
  return graph.op("Reshape", [repeated, sizes(shape.heads)]);
}

/** Weights and biases of query, key and value side by side: [H, 3 x H] and [3 x H]; no biases in a layer without. All have equally many heads. */
export function joinedParts(
  transformer: TransformerBuilding,
  number: number,
): { readonly weights: Value; readonly biases: Value | undefined } {
  const { graph, tensors, family, shape, prefix } = transformer;
  const { hiddenSize } = shape;
  const layer = prefix + family.names.layer(number);
  const stored = attentionParts.map((part) => storedPart(transformer, part));
  const ofPart = (kind: "weight" | "bias") =>
    stored.map(({ name, start, width, total }) => {
      const wanted = kind === "weight" ? [total, hiddenSize] : [total];
      return graph.weight(tensors.get(`${layer}${name}.${kind}`, wanted), [start, start + width]);
    });
  const rows = graph.op("Concat", ofPart("weight"), { axis: 0 });
  return {
    // Both are constants, so the runtime does it once, when it opens the model.
    weights: graph.op("Transpose", [rows], { perm: [1, 0] }),
    biases: !biasesOf(shape).attention ? undefined : graph.op("Concat", ofPart("bias"), { axis: 0 }),
  };
}

/** The linear layer that holds a part, and the part's rows of all its rows. */
function storedPart(
  { family, shape }: TransformerBuilding,
  part: AttentionPart,
): { name: string; start: number; width: number; total: number } {
  const { attention } = family.names;
  const widths = attentionParts.map((one) => headsOf(shape, one).heads * headsOf(shape, one).size);
  const place = attentionParts.indexOf(part);
  const width = widths[place]!;
  if (!("joined" in attention)) return { name: attention[part], start: 0, width, total: width };
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  return { name: attention.joined, start: sum(widths.slice(0, place)), width, total: sum(widths) };
}

/** The two linear layers with the activation between: [B x S, H] to [B x S, H]. */
export function addMlp(transformer: TransformerBuilding, number: number, tokens: Value): Value {
  const { family, shape, prefix } = transformer;
  const { hiddenSize, intermediateSize } = shape;
  const name = prefix + family.names.layer(number) + family.names.down;
  const active = addActiveUp(transformer, number, tokens);
  return linear(transformer, name, active, intermediateSize, hiddenSize, { bias: biasesOf(shape).down });
}

/** The first linear layer of the MLP with its activation, and its gate if it has one: [B x S, width inside]. */
export function addActiveUp(transformer: TransformerBuilding, number: number, tokens: Value): Value {
  const { graph, family, shape, prefix } = transformer;
  const { hiddenSize, intermediateSize, gated } = shape;
  const layer = prefix + family.names.layer(number);
  const { up, gate = up } = family.names;
  const bias = biasesOf(shape).up;
  const part = (name: string, start?: number) =>
    linear(transformer, layer + name, tokens, hiddenSize, intermediateSize, {
      bias,
      ...(start !== undefined && { rows: { start, total: 2 * intermediateSize } }),
    });
  const active = (value: Value) => activation(graph, shape.activation, value);
  if (gated === undefined) return active(part(up));
  if (gated === "apart") return graph.op("Mul", [active(part(gate)), part(up)]);
  const [first, second] = [part(up, 0), part(up, intermediateSize)];
  return gated === "joined"
    ? graph.op("Mul", [active(first), second])
    : graph.op("Mul", [first, active(second)]);
}

export function norm(transformer: TransformerBuilding, name: string, input: Value, width: number): Value {
  const { normEpsilon, rootMeanSquare = false, withoutNormBias = false } = transformer.shape;
  if (rootMeanSquare) {
    const lessOne = transformer.shape.normFactorsLessOne === true;
    return rootMeanSquareNorm(transformer, name, input, width, normEpsilon, lessOne);
  }
  return layerNorm(transformer, name, input, width, normEpsilon, !withoutNormBias);
}

/** What attention or the MLP of layer `number` gives, normed before it is added, where a family does so. */
export function normAdded(
  transformer: TransformerBuilding,
  number: number,
  part: "attention" | "output",
  value: Value,
): Value {
  const { family, shape, prefix } = transformer;
  const { addedNorms, layer } = family.names;
  if (addedNorms === undefined) return value;
  return norm(transformer, prefix + layer(number) + addedNorms[part], value, shape.hiddenSize);
}

/** What scores are multiplied by. */
export function scoreScale(shape: TransformerShape): number {
  const divisor = shape.scoreDivisor ?? headsOf(shape, "query").size;
  return 1 / Math.sqrt(divisor * (shape.disentangled?.scaledBy ?? 1));
}

/**
 * A convolution over the embeddings of neighbours, added to the tokens and normed, where a family has one: [B x S, H] to
 * the same. Source: `ConvLayer` of DeBERTa-v2 in transformers.
 *
 * @param mask [B, S], bool: padding counts as 0
 */
export function addConvolution(
  transformer: TransformerBuilding,
  embedded: Value,
  tokens: Value,
  mask: Value,
): Value {
  const { graph, tensors, family, shape, prefix } = transformer;
  const { convolution, hiddenSize } = shape;
  const names = family.names.convolution;
  if (convolution === undefined || names === undefined) return tokens;
  const { kernel, groups } = convolution;
  const layer = prefix + names.layer;
  const byPlace = byText(graph, embedded, graph.op("Shape", [mask]), hiddenSize);
  const column = graph.op("Unsqueeze", [mask, graph.integers(2)]);
  const states = graph.op("Where", [column, byPlace, graph.scalar(0)]);
  const weight = graph.weight(tensors.get(`${layer}.weight`, [hiddenSize, hiddenSize / groups, kernel]));
  const bias = graph.weight(tensors.get(`${layer}.bias`, [hiddenSize]));
  const side = Math.trunc((kernel - 1) / 2);
  const seen = graph.op("Conv", [graph.op("Transpose", [states], { perm: [0, 2, 1] }), weight, bias], {
    group: groups,
    pads: [side, side],
  });
  const rows = graph.op("Reshape", [
    graph.op("Transpose", [seen], { perm: [0, 2, 1] }),
    graph.integers(-1, hiddenSize),
  ]);
  const sum = graph.op("Add", [tokens, activation(graph, convolution.activation, rows)]);
  return norm(transformer, prefix + names.norm, sum, hiddenSize);
}
