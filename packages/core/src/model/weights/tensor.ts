import { received, SparseEncoderError } from "../../errors.ts";

/** Element types of stored tensors, by their safetensors names. */
export type TensorType = "F64" | "F32" | "F16" | "BF16" | "I64" | "I32" | "I16" | "I8" | "U8" | "BOOL";

/** Bytes an element. */
export const tensorTypeBytes: Readonly<Record<TensorType, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
};

/** Types that weights may have. */
const weightTypes: readonly TensorType[] = ["F32", "F16", "BF16"];

/** Where the bytes of one tensor lie on disk: row-major, little-endian. */
export interface StoredTensor {
  readonly type: TensorType;
  readonly shape: readonly number[];
  /** Absolute path of the file, links resolved. */
  readonly file: string;
  /** First byte in the file. */
  readonly offset: number;
  readonly byteLength: number;
}

/** A shape for messages: short, whatever a file says. */
export function shownShape(shape: readonly number[]): string {
  return `[${shape.slice(0, 8).join()}${shape.length > 8 ? ",…" : ""}]`;
}

/** Weights as int8 rows: row i stands for `values[i] x scales[i]`. */
export interface QuantisedTensor {
  readonly values: StoredTensor;
  readonly scales: StoredTensor;
}

/** The tensors of a model by name. */
export class TensorTable {
  private readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** What the tensors come from, for messages. */
  readonly origin: string;
  /** What the file says about itself. */
  readonly metadata: Readonly<Record<string, unknown>>;

  constructor(
    tensors: ReadonlyMap<string, StoredTensor>,
    origin: string,
    metadata: Readonly<Record<string, unknown>> = {},
  ) {
    this.tensors = tensors;
    this.origin = origin;
    this.metadata = metadata;
  }

  /** The files that hold the tensors. */
  get files(): string[] {
    return [...new Set([...this.tensors.values()].map((tensor) => tensor.file))];
  }

  /** Names and places of all tensors. */
  entries(): Iterable<[string, StoredTensor]> {
    return this.tensors.entries();
  }

  has(name: string): boolean {
    return this.find(name) !== undefined;
  }

  /** Bytes of all tensors. */
  get byteLength(): number {
    let sum = 0;
    for (const tensor of this.tensors.values()) sum += tensor.byteLength;
    return sum;
  }

  /**
   * The weights of that name and shape: float32, float16 or bfloat16, as the type of the result says.
   * @throws SparseEncoderError `WEIGHTS_INVALID` if they are missing or have another type or shape
   */
  get(name: string, shape: readonly number[]): StoredTensor {
    const tensor = this.find(name);
    if (tensor === undefined) throw this.invalid(`has no tensor ${received(name)}, which the model needs`);
    if (!weightTypes.includes(tensor.type)) {
      throw this.invalid(
        `stores tensor ${received(name)} as ${tensor.type}; only ${weightTypes.join(", ")} weights are supported`,
      );
    }
    this.checkShape(name, tensor, shape);
    return tensor;
  }

  /**
   * The weights of that name and shape if they are stored as int8 with one scale per row, under the same name with
   * `_scale` behind it; undefined if they are stored otherwise.
   */
  quantised(name: string, shape: readonly number[]): QuantisedTensor | undefined {
    const values = this.find(name);
    if (values?.type !== "I8") return undefined;
    this.checkShape(name, values, shape);
    return { values, scales: this.get(`${name}_scale`, [shape[0]!]) };
  }

  /** The shape of a tensor, or an empty one if there is none; {@link TensorTable.get} then says what is missing. */
  shapeOf(name: string): readonly number[] {
    return this.find(name)?.shape ?? [];
  }

  /** Old checkpoints, converted from TensorFlow, call the two vectors of a layer norm gamma and beta. */
  private find(name: string): StoredTensor | undefined {
    const old = name
      .replace(/(LayerNorm|layer_norm)\.weight$/, "$1.gamma")
      .replace(/(LayerNorm|layer_norm)\.bias$/, "$1.beta");
    return this.tensors.get(name) ?? this.tensors.get(old);
  }

  private checkShape(name: string, tensor: StoredTensor, shape: readonly number[]): void {
    if (tensor.shape.length !== shape.length || tensor.shape.some((size, axis) => size !== shape[axis])) {
      throw this.invalid(
        `stores tensor ${received(name)} with shape ${shownShape(tensor.shape)}, but config.json asks for ${shownShape(shape)}`,
      );
    }
  }

  private invalid(problem: string): SparseEncoderError {
    return new SparseEncoderError("WEIGHTS_INVALID", `${this.origin} ${problem}.`);
  }
}
