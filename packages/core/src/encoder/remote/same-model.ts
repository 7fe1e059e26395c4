/** Cosine of two embeddings of one text: number formats and devices differ by far less, models by far more. */
const leastCosine = 0.9;

/**
 * Whether two servers have the same model, by what they answer for one text: arrays of numbers, or of an index and a value.
 */
export function isSameModel(a: unknown, b: unknown): boolean {
  const [left, right] = [weightsOf(a), weightsOf(b)];
  if (Array.isArray(a) && Array.isArray(b) && typeof a[0] === "number" && a.length !== b.length) return false;
  const [own, other] = [lengthOf(left), lengthOf(right)];
  // An untrained model may give nothing for a text.
  if (own === 0 || other === 0) return own === other;
  let dot = 0;
  for (const [index, value] of left) dot += value * (right.get(index) ?? 0);
  return dot / (own * other) >= leastCosine;
}

function weightsOf(row: unknown): Map<number, number> {
  const entries = Array.isArray(row) ? (row as unknown[]) : [];
  return new Map(
    entries.map((entry, place) => {
      if (typeof entry === "number") return [place, entry];
      const { index, value } = (entry ?? {}) as { index?: unknown; value?: unknown };
      return [Number(index), Number(value)];
    }),
  );
}

function lengthOf(weights: ReadonlyMap<number, number>): number {
  return Math.hypot(...weights.values());
}
