import { SparseEncoderError } from "../errors.ts";

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

/** The tensors of a model by name. */
export class TensorTable {
  private readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** What the tensors come from, for messages. */
  readonly origin: string;

  constructor(tensors: ReadonlyMap<string, StoredTensor>, origin: string) {
    this.tensors = tensors;
    this.origin = origin;
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
   * The float32 tensor of that name and shape.
   * @throws SparseEncoderError `WEIGHTS_INVALID` if it is missing or has another type or shape
   */
  get(name: string, shape: readonly number[]): StoredTensor {
    const tensor = this.find(name);
    if (tensor === undefined) throw this.invalid(`has no tensor "${name}", which the model needs`);
    if (tensor.type !== "F32") {
      throw this.invalid(`stores tensor "${name}" as ${tensor.type}; only F32 weights are supported`);
    }
    if (tensor.shape.length !== shape.length || tensor.shape.some((size, axis) => size !== shape[axis])) {
      throw this.invalid(
        `stores tensor "${name}" with shape [${tensor.shape}], but config.json asks for [${shape}]`,
      );
    }
    return tensor;
  }

  /** Old checkpoints, converted from TensorFlow, call the two vectors of a layer norm gamma and beta. */
  private find(name: string): StoredTensor | undefined {
    const old = name
      .replace(/(LayerNorm|layer_norm)\.weight$/, "$1.gamma")
      .replace(/(LayerNorm|layer_norm)\.bias$/, "$1.beta");
    return this.tensors.get(name) ?? this.tensors.get(old);
  }

  private invalid(problem: string): SparseEncoderError {
    return new SparseEncoderError("WEIGHTS_INVALID", `${this.origin} ${problem}.`);
  }
}
