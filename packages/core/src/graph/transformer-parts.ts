import type { Family, TransformerShape } from "./family.ts";
import { activation, type Building, layerNorm, linear } from "./layers.ts";
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

/** Query, key or value of each token, of all heads: [B x S, H] to [B x S, H]. */
export function projectPart(
  transformer: TransformerBuilding,
  number: number,
  part: AttentionPart,
  tokens: Value,
  bias: boolean,
): Value {
  const { family, shape, prefix } = transformer;
  const { hiddenSize } = shape;
  const { name, start, total } = storedPart(transformer, part);
  const options = { bias, rows: { start, total } };
  return linear(
    transformer,
    prefix + family.names.layer(number) + name,
    tokens,
    hiddenSize,
    hiddenSize,
    options,
  );
}

/** Weights and biases of query, key and value side by side: [H, 3 x H] and [3 x H]; no biases in a layer without. */
export function joinedParts(
  transformer: TransformerBuilding,
  number: number,
): { readonly weights: Value; readonly biases: Value | undefined } {
  const { graph, tensors, family, shape, prefix } = transformer;
  const { hiddenSize } = shape;
  const layer = prefix + family.names.layer(number);
  const stored = attentionParts.map((part) => storedPart(transformer, part));
  const ofPart = (kind: "weight" | "bias") =>
    stored.map(({ name, start, total }) => {
      const wanted = kind === "weight" ? [total, hiddenSize] : [total];
      return graph.weight(tensors.get(`${layer}${name}.${kind}`, wanted), [start, start + hiddenSize]);
    });
  const rows = graph.op("Concat", ofPart("weight"), { axis: 0 });
  return {
    // Both are constants, so the runtime does it once, when it opens the model.
    weights: graph.op("Transpose", [rows], { perm: [1, 0] }),
    biases: shape.withoutBias === true ? undefined : graph.op("Concat", ofPart("bias"), { axis: 0 }),
  };
}

/** The linear layer that holds a part, and the part's rows of all its rows. */
function storedPart(
  { family, shape }: TransformerBuilding,
  part: AttentionPart,
): { name: string; start: number; total: number } {
  const { attention } = family.names;
  const { hiddenSize } = shape;
  if (!("joined" in attention)) return { name: attention[part], start: 0, total: hiddenSize };
  const start = attentionParts.indexOf(part) * hiddenSize;
  return { name: attention.joined, start, total: attentionParts.length * hiddenSize };
}

/** The two linear layers with the activation between: [B x S, H] to [B x S, H]. */
export function addMlp(transformer: TransformerBuilding, number: number, tokens: Value): Value {
  const { family, shape, prefix } = transformer;
  const { hiddenSize, intermediateSize, withoutBias = false } = shape;
  const name = prefix + family.names.layer(number) + family.names.down;
  const active = addActiveUp(transformer, number, tokens);
  return linear(transformer, name, active, intermediateSize, hiddenSize, { bias: !withoutBias });
}

/** The first linear layer of the MLP with its activation, and its gate if it has one: [B x S, width inside]. */
export function addActiveUp(transformer: TransformerBuilding, number: number, tokens: Value): Value {
  const { graph, family, shape, prefix } = transformer;
  const { hiddenSize, intermediateSize, gated = false, withoutBias = false } = shape;
  const name = prefix + family.names.layer(number) + family.names.up;
  const up = (start: number) =>
    linear(transformer, name, tokens, hiddenSize, intermediateSize, {
      bias: !withoutBias,
      ...(gated && { rows: { start, total: 2 * intermediateSize } }),
    });
  const active = activation(graph, shape.activation, up(0));
  return gated ? graph.op("Mul", [active, up(intermediateSize)]) : active;
}

export function norm(transformer: TransformerBuilding, name: string, input: Value, width: number): Value {
  const { normEpsilon, withoutNormBias = false } = transformer.shape;
  return layerNorm(transformer, name, input, width, normEpsilon, !withoutNormBias);
}
