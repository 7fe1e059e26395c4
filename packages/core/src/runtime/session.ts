import { readFile } from "node:fs/promises";
import type { InferenceSession, Tensor } from "onnxruntime-node";
import { runtimeNotLoaded } from "../install/index.ts";
import { chosenRows, compressEntries, compressRows, denseRows, withoutTokenless } from "./compressed-rows.ts";
import { type Device, executionProvider } from "./device/device.ts";
import type { EncodeBatch, EncodedRows, WorkerSetup } from "./messages.ts";
import { ModelError } from "./model-error.ts";
import type { PooledModel, ScreenedModel } from "./pooled-model.ts";
import { completeScreenedModel } from "./screened-model.ts";
import { lexicalRows } from "./token-weights.ts";

/**
 * Tuned for a few tokens with nothing else to run; for throughput; for throughput if texts activate a small part of the vocabulary; and for a
 * wide device, whatever the batch.
 */
export type GraphKind = "short" | "whole" | "screened" | "long" | "screened long" | "wide";

/**
 * Entries of the vocabulary that a batch may activate before screening is given up: it then costs more than it saves.
 * Screening takes about a third of the time of all products.
 */
const screenedShare = 0.5;

/** An opened model in a worker thread. */
export class Session {
  private readonly native: InferenceSession;
  private readonly tensor: typeof Tensor;
  private readonly model: PooledModel;
  /** The model, if it gives some entries only. */
  private readonly screened: ScreenedModel | undefined;
  private readonly kind: GraphKind;
  /** True if a batch activated so much that the `whole` graph is faster. */
  screensInVain = false;

  private constructor(native: InferenceSession, tensor: typeof Tensor, model: PooledModel, kind: GraphKind) {
    this.native = native;
    this.tensor = tensor;
    this.model = model;
    this.kind = kind;
    this.screened = screenedOf(model, kind);
  }

  /** @throws ModelError if an exported model cannot be opened on the CPU, where no driver can be at fault */
  static async open(setup: WorkerSetup, kind: GraphKind, threads: number): Promise<Session> {
    const { model, device } = setup;
    // Imported here, where no one ends the thread: its end while the native library loads aborts the process too.
    const { env, InferenceSession, Tensor } = await import("onnxruntime-node").catch(runtimeNotLoaded);
    // A library is silent; what matters of these messages is in the errors that are thrown.
    env.logLevel = "fatal";
    const options = sessionOptions(model, kind, device, threads);
    const parts: Uint8Array[] = [];
    if (model.exportFile !== undefined) parts.push(await readFile(model.exportFile));
    const screened = screenedOf(model, kind);
    if (screened !== undefined) {
      parts.push(...(await completeScreenedModel(screened, InferenceSession, options)));
    } else parts.push(graphOf(model, kind));
    try {
      const native = await InferenceSession.create(Buffer.concat(parts), options);
      return new Session(native, Tensor, model, kind);
    } catch (error) {
      if (model.exportFile === undefined || device.kind !== "cpu") throw error;
      throw new ModelError(`cannot be opened: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** Frees what the runtime holds. */
  release(): Promise<void> {
    return this.native.release();
  }

  /**
   * Embeds a batch; of sparse embeddings only the non-zero entries are returned.
   * @throws ModelError for embeddings of another width than the model's settings promise
   */
  async encode(batch: EncodeBatch): Promise<EncodedRows> {
    if (this.model.tokenWeights !== undefined) return this.encodeTokens(batch, this.model.tokenWeights);
    if (this.kind === "wide" && this.model.sparse) return this.encodeEntries(batch);
    const rows = batch.lengths.length;
    const givesDims = this.screened !== undefined || this.model.givesDims;
    const outputs = givesDims ? ["embeddings", "dims"] : ["embeddings"];
    const { embeddings, dims } = await this.native.run(this.feeds(batch), outputs);
    const values = embeddings!.data as Float32Array;
    let result: EncodedRows;
    if (givesDims) {
      const entries = Uint32Array.from(dims!.data as BigInt64Array, Number);
      this.screensInVain ||=
        this.screened !== undefined && entries.length > this.screened.entries * screenedShare;
      const chosen = compressEntries(values, entries, rows, batch.maxActiveDims);
      result = withoutTokenless(chosen, batch.lengths);
    } else {
      this.checkWidth(values.length / rows);
      result = this.model.sparse
        ? withoutTokenless(compressRows(values, rows, batch.maxActiveDims), batch.lengths)
        : denseRows(values, this.model.dimension);
    }
    embeddings!.dispose();
    dims?.dispose();
    return result;
  }

  /** Sparse rows of the weights of tokens, and the dense rows beside them if there are any. */
  private async encodeTokens(batch: EncodeBatch, mode: "only" | "beside"): Promise<EncodedRows> {
    const outputs = mode === "only" ? ["weights"] : ["weights", "embeddings"];
    const { weights, embeddings } = await this.native.run(this.feeds(batch), outputs);
    const sparse = lexicalRows(weights!.data as Float32Array, batch);
    const dense = embeddings && denseRows(embeddings.data as Float32Array, this.model.dimension);
    weights!.dispose();
    embeddings?.dispose();
    return dense === undefined ? sparse : { ...sparse, ...dense };
  }

  /** The entries that the device chose. */
  private async encodeEntries(batch: EncodeBatch): Promise<EncodedRows> {
    const { embeddings, places } = await this.native.run(this.feeds(batch), ["embeddings", "places"]);
    const [values, numbers] = [embeddings!.data as Float32Array, places!.data as Int32Array];
    const chosen = chosenRows(values, numbers, batch.lengths.length, batch.maxActiveDims);
    const result = withoutTokenless(chosen, batch.lengths);
    embeddings!.dispose();
    places!.dispose();
    return result;
  }

  /** The inputs that the model takes. Graphs built from weights take `ids` and `lengths`, exported ones the rest. */
  private feeds({ ids, lengths, typeStarts = lengths, skippedTokens }: EncodeBatch): Record<string, Tensor> {
    const { tensor: Tensor } = this;
    const shape = [lengths.length, ids.length / lengths.length];
    const integers = (name: string, values: Int32Array) =>
      this.model.inputTypes?.[name] === "int32"
        ? new Tensor("int32", values, shape)
        : new Tensor("int64", BigInt64Array.from(values, BigInt), shape);
    const available: Record<string, () => Tensor> = {
      ids: () => new Tensor("int32", ids, shape),
      lengths: () => new Tensor("int32", lengths, [lengths.length]),
      type_starts: () => new Tensor("int32", typeStarts, [lengths.length]),
      skip: () => new Tensor("int64", BigInt64Array.of(BigInt(skippedTokens)), [1]),
      input_ids: () => integers("input_ids", ids),
      attention_mask: () => integers("attention_mask", attentionMask(lengths, shape[1]!)),
      token_type_ids: () => integers("token_type_ids", tokenTypes(lengths, typeStarts, shape[1]!)),
    };
    return Object.fromEntries(this.model.inputs.map((name) => [name, available[name]!()]));
  }

  private checkWidth(width: number): void {
    const { dimension } = this.model;
    if (width === dimension) return;
    throw new ModelError(`gives embeddings of ${width} dimensions, but its settings promise ${dimension}`);
  }
}

function screenedOf(model: PooledModel, kind: GraphKind): ScreenedModel | undefined {
  if (kind === "screened") return model.screened;
  return kind === "screened long" ? model.long?.screened : undefined;
}

/** The graph of a kind; the whole one where the model has no other. */
function graphOf(model: PooledModel, kind: GraphKind): Uint8Array {
  if (kind === "wide" && model.wide !== undefined) return model.wide.bytes;
  if (kind === "long" && model.long !== undefined) return model.long.bytes;
  return (kind === "short" ? model.shortBytes : undefined) ?? model.bytes;
}

function sessionOptions(
  model: PooledModel,
  kind: GraphKind,
  device: Device,
  threads: number,
): InferenceSession.SessionOptions {
  const wide = kind === "wide" ? model.wide : undefined;
  return {
    executionProviders: [executionProvider(device)],
    intraOpNumThreads: threads,
    logSeverityLevel: 4,
    interOpNumThreads: 1,
    extra: {
      session: {
        model_external_initializers_file_folder_path: wide?.weightsFolder ?? model.weightsFolder,
        // A rearranged copy of each float weight would take the file's size again in every worker, without a gain in
        // speed: the graph multiplies with the weights as they are stored. Integer products do gain.
        disable_prepacking: model.prepack ? "0" : "1",
        // Threads that wait for the next run must not take a core from another worker meanwhile.
        force_spinning_stop: "1",
      },
    },
  };
}

/** 1 for each real token, 0 for padding: [B, S]. */
function attentionMask(lengths: Int32Array, width: number): Int32Array {
  const mask = new Int32Array(lengths.length * width);
  lengths.forEach((length, row) => {
    mask.fill(1, row * width, row * width + length);
  });
  return mask;
}

/** 1 for each token from the start of type 1 to the end of its row, else 0: [B, S]. */
function tokenTypes(lengths: Int32Array, starts: Int32Array, width: number): Int32Array {
  const types = new Int32Array(lengths.length * width);
  lengths.forEach((length, row) => {
    types.fill(1, row * width + starts[row]!, row * width + length);
  });
  return types;
}
