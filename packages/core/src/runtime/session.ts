import { InferenceSession, Tensor } from "onnxruntime-node";
import { compressRows } from "./compressed-rows.ts";
import type { EncodeBatch, EncodedRows, WorkerSetup } from "./messages.ts";

/** An opened model in a worker thread. */
export class Session {
  private readonly native: InferenceSession;

  private constructor(native: InferenceSession) {
    this.native = native;
  }

  static async open(setup: WorkerSetup): Promise<Session> {
    const native = await InferenceSession.create(setup.model, {
      executionProviders: ["cpu"],
      intraOpNumThreads: setup.threads,
      interOpNumThreads: 1,
      extra: {
        session: {
          model_external_initializers_file_folder_path: setup.weightsFolder,
          // A rearranged copy of each weight would take the file's size again in every worker, without a gain in
          // speed: the graph multiplies with the weights as they are stored.
          disable_prepacking: "1",
        },
      },
    });
    return new Session(native);
  }

  /** Embeds a batch and returns its non-zero entries. */
  async encode(batch: EncodeBatch): Promise<EncodedRows> {
    const rows = batch.lengths.length;
    const outputs = await this.native.run({
      ids: new Tensor("int32", batch.ids, [rows, batch.ids.length / rows]),
      lengths: new Tensor("int32", batch.lengths, [rows]),
    });
    const embeddings = outputs.embeddings!;
    const result = compressRows(embeddings.data as Float32Array, rows, batch.maxActiveDims);
    embeddings.dispose();
    return result;
  }
}
