import { throwIfAborted } from "../../calls/index.ts";
import type { Tokenizer } from "../../model/index.ts";
import type { SparseRows } from "../../runtime/index.ts";
import { SparseMatrix, SparseVector } from "../../vector/index.ts";
import type { MatrixForm } from "./matrix-form.ts";
import { countTexts, type EmbedCall, type EmbedWindow, type RowEmbedder } from "./row-embedder.ts";

/**
 * From texts to sparse rows without inference: each different token of a text gives its weight. On the main thread,
 * after tokenization. Source: `SparseStaticEmbedding` of sentence-transformers.
 */
export class StaticEmbedder<Matrix> implements RowEmbedder<Matrix> {
  readonly tokenizer: Tokenizer;
  readonly longestInput: number = Number.MAX_SAFE_INTEGER;
  readonly specialTokens = false;
  readonly ownWorkers = undefined;
  maxSeqLength: number;
  /** One weight per token id; ids beyond the table have none. */
  private readonly weights: Float32Array;
  private readonly dimension: number;
  private readonly form: MatrixForm<Matrix>;

  constructor(
    tokenizer: Tokenizer,
    weights: Float32Array,
    dimension: number,
    maxSeqLength: number | undefined,
    form: MatrixForm<Matrix>,
  ) {
    this.tokenizer = tokenizer;
    this.weights = weights;
    this.dimension = dimension;
    this.form = form;
    this.maxSeqLength = maxSeqLength ?? Number.MAX_SAFE_INTEGER;
  }

  lengthOf(): number {
    return this.maxSeqLength;
  }

  async startWorkers(): Promise<readonly []> {
    return [];
  }

  async embed({ texts }: EmbedWindow, call: EmbedCall): Promise<Matrix> {
    const prompted = call.prompt === "" ? texts : texts.map((text) => call.prompt + text);
    const { maxSeqLength } = this;
    const options = { specialTokens: false, signal: call.signal };
    const tokenized = await this.tokenizer.tokenize(prompted, maxSeqLength, options);
    throwIfAborted(call.signal);
    const ids = tokenized.map((text) => text.ids);
    const vectors = ids.map((tokens) => this.row(tokens, call.maxActiveDims));
    call.onTexts(countTexts(ids, tokenized.filter(({ isCut }) => isCut).length));
    const { offsets, indices, values } = SparseMatrix.fromRows(vectors, this.dimension);
    const rows: SparseRows = { offsets, indices, values };
    return this.form.assemble(
      { texts: texts.length, batches: [[...texts.keys()]], rows: [rows] },
      this.dimension,
      this.dimension,
    );
  }

  async close(): Promise<void> {}

  async destroy(): Promise<void> {}

  private row(tokens: Int32Array, maxActiveDims: number): SparseVector {
    const indices = Uint32Array.from(new Set(tokens))
      .sort()
      .filter((id) => (this.weights[id] ?? 0) !== 0);
    const vector = new SparseVector(
      indices,
      Float32Array.from(indices, (id) => this.weights[id]!),
      this.dimension,
    );
    return maxActiveDims > 0 ? vector.topDims(maxActiveDims) : vector;
  }
}
