import { received, SparseEncoderError } from "../../errors.ts";

/** Functions from the numbers that a model gives to scores. */
export const scoreActivations = ["identity", "sigmoid", "tanh", "relu", "softmax"] as const;
export type ScoreActivation = (typeof scoreActivations)[number];

/**
 * The function that a model asks for, by its class name in torch; by default the sigmoid for one label and none for several.
 * Source: `get_default_activation_fn` of sentence-transformers.
 *
 * @param folder for messages
 * @throws SparseEncoderError `MODEL_UNSUPPORTED` for a function that is not known
 */
export function savedActivation(name: string | undefined, labels: number, folder: string): ScoreActivation {
  if (name === undefined) return labels === 1 ? "sigmoid" : "identity";
  // Classes of others are custom code, whatever their last name.
  const last = name.startsWith("torch.") ? name.slice(name.lastIndexOf(".") + 1).toLowerCase() : "";
  const known = scoreActivations.find((activation) => activation === last);
  if (known !== undefined) return known;
  throw new SparseEncoderError(
    "MODEL_UNSUPPORTED",
    `The model in ${folder} names ${received(name)} as its activation function, which is not supported. Choose one with the option activation: ${scoreActivations.join(", ")}.`,
  );
}

/** Class names in torch of the functions. */
export const activationClasses: Readonly<Record<ScoreActivation, string>> = {
  identity: "torch.nn.modules.linear.Identity",
  sigmoid: "torch.nn.modules.activation.Sigmoid",
  tanh: "torch.nn.modules.activation.Tanh",
  relu: "torch.nn.modules.activation.ReLU",
  softmax: "torch.nn.modules.activation.Softmax",
};

/**
 * Applies a function to rows of numbers, in place.
 * @param values one row per pair
 * @param labels numbers per row
 */
export function activateScores(values: Float32Array, labels: number, activation: ScoreActivation): void {
  if (activation === "softmax") {
    for (let start = 0; start < values.length; start += labels) {
      softmax(values.subarray(start, start + labels));
    }
    return;
  }
  const apply = functions[activation];
  for (let place = 0; place < values.length; place++) values[place] = apply(values[place]!);
}

const functions: Readonly<Record<Exclude<ScoreActivation, "softmax">, (value: number) => number>> = {
  identity: (value) => value,
  sigmoid: (value) => 1 / (1 + Math.exp(-value)),
  tanh: Math.tanh,
  relu: (value) => Math.max(value, 0),
};

function softmax(row: Float32Array): void {
  const largest = row.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  const powers = Array.from(row, (value) => Math.exp(value - largest));
  const sum = powers.reduce((total, power) => total + power, 0);
  row.set(powers.map((power) => power / sum));
}
