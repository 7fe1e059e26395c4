import { throwIfAborted } from "../calls/index.ts";
import { invalidArgument, SparseEncoderError } from "../errors.ts";
import { saveModel } from "../model/index.ts";
import { answerNeighbours, positiveInteger } from "../options/index.ts";
import type { SimilarityFunction } from "../vector/index.ts";
import { type TextPiece, TextSplitter } from "./embedding/text-splitter.ts";
import {
  checkText,
  checkTexts,
  choosePrompt,
  type EncodeOptions,
  type SplitOptions,
  splitOptions,
  tokenizeOptions,
} from "./encode-options.ts";
import { LoadedModel } from "./loaded-model.ts";
import { describeModel, type EncoderDescription } from "./loading/encoder-description.ts";
import type { CheckedLoadOptions } from "./loading/load-options.ts";
import type { OpenModel } from "./loading/open-model.ts";

/** What encoders of sparse and of dense vectors have beside their encode methods: lengths, pools, saving. */
export abstract class LoadedEncoder<Matrix> extends LoadedModel<Matrix> {
  static {
    answerNeighbours(LoadedEncoder.prototype, {
      getSentenceEmbeddingDimension: "embeddingDimension",
      getEmbeddingDimension: "embeddingDimension",
      getMaxSeqLength: "maxSeqLength",
    });
  }

  /** Width of an embedding. */
  readonly embeddingDimension: number;

  protected constructor(model: OpenModel<Matrix>, dimension: number, options: CheckedLoadOptions) {
    super(model, options);
    this.embeddingDimension = dimension;
    if (options.maxSeqLength !== undefined) this.maxSeqLength = options.maxSeqLength;
  }

  /**
   * Token ids of each text as plain `encode` gives them to the model: with its prompt and special tokens, and cut to
   * `maxSeqLength`.
   */
  async tokenize(
    texts: readonly string[],
    options?: Pick<EncodeOptions, "prompt" | "promptName">,
  ): Promise<Int32Array[]> {
    this.checkOpen();
    checkTexts("tokenize", texts);
    const named = tokenizeOptions.check("tokenize", options);
    const prompt = choosePrompt(named, this.prompts, this.defaultPromptName);
    const embedder = this.model.route("plain");
    const { tokenizer, specialTokens } = embedder;
    return tokenizer.encode(
      texts.map((text) => prompt + text),
      embedder.lengthOf("plain"),
      { specialTokens },
    );
  }

  /**
   * Splits a text into pieces that `encodeDocument` takes whole, behind blanks where there are some. Counts are exact: each piece
   * is tokenised by itself, with the prompt and the special tokens.
   *
   * @param options.maxTokens most tokens of a piece; default `maxSeqLength`, or what the model names for documents
   * @param options.overlap most tokens that a piece repeats of the piece before; default 0
   * @returns pieces in their order, with their places in the text in UTF-16 units and without blanks around them; none for a
   *   blank text. `text.slice(piece.start, piece.end)` is `piece.text`
   * @throws SparseEncoderError `INVALID_TEXT`, `INVALID_ARGUMENT`, `UNKNOWN_OPTION`, `ABORTED`, `CLOSED`
   *
   * @example
   * const pieces = await encoder.splitText(article, { maxTokens: 256, overlap: 32 });
   * const embeddings = await encoder.encodeDocument(pieces.map(({ text }) => text));
   */
  async splitText(text: string, options?: SplitOptions): Promise<TextPiece[]> {
    this.checkOpen();
    checkText("splitText", text, 0);
    const { maxTokens, overlap, signal, ...named } = splitOptions.check("splitText", options);
    throwIfAborted(signal);
    const embedder = this.model.route("document");
    const { tokenizer, specialTokens } = embedder;
    const longest = Math.min(embedder.lengthOf("document"), embedder.longestInput);
    if (maxTokens !== undefined) positiveInteger("maxTokens", maxTokens, longest);
    const prompt = choosePrompt(named, this.prompts, "document");
    const settings = { tokenizer, specialTokens, prompt, maxTokens: maxTokens ?? longest, overlap, signal };
    return new TextSplitter(settings).split(text);
  }

  /** Longest input in tokens, special tokens included; longer texts are cut. */
  get maxSeqLength(): number {
    return Math.max(...this.model.embedders.map((embedder) => embedder.maxSeqLength));
  }

  /** Applies to texts that are tokenized from now on. At most the number of positions that the model knows. */
  set maxSeqLength(length: number) {
    const { embedders } = this.model;
    positiveInteger("maxSeqLength", length, Math.min(...embedders.map((embedder) => embedder.longestInput)));
    const least = Math.max(...embedders.map(({ tokenizer }) => tokenizer.minimumLength));
    if (length < least) {
      throw invalidArgument(
        `maxSeqLength must be at least ${least}, the number of special tokens; received ${length}.`,
      );
    }
    for (const embedder of embedders) embedder.maxSeqLength = length;
  }

  /** What this encoder is: model, modules, weights, limits. The first thing to print when something looks wrong. */
  describe(): EncoderDescription {
    return describeModel(this.model, {
      dimension: this.embeddingDimension,
      maxSeqLength: this.maxSeqLength,
      prompts: this.prompts,
      defaultPromptName: this.defaultPromptName,
    });
  }

  /**
   * Writes a model folder that this library and sentence-transformers load, with the prompts, the similarity function and
   * the sequence length of this encoder. The weights are those the model was loaded from, also for an int8 encoder; an
   * ONNX file named by `fileName` is to be named again. A limit on active dims has no place in the folder.
   *
   * @param folder a folder that does not exist or is empty
   * @throws SparseEncoderError `INVALID_ARGUMENT`, `CACHE_UNWRITABLE`
   */
  async save(folder: string): Promise<void> {
    const { description } = this.model;
    if (description.routes.plain.some(({ kind }) => kind === "LexicalWeights")) {
      throw new SparseEncoderError(
        "MODEL_UNSUPPORTED",
        `save: the settings of a model with sparse_linear.pt belong to its dense vectors, so they cannot be saved here; copy the folder ${description.folder}.`,
      );
    }
    await saveModel(description.folder, folder, {
      modelType: description.modelType === "SparseEncoder" ? "SparseEncoder" : "SentenceTransformer",
      prompts: this.prompts,
      defaultPromptName: this.defaultPromptName,
      similarity: this.similarityFunction,
      maxSeqLength: this.maxSeqLength,
      fileName: this.model.exportName,
    });
  }

  /** How two embeddings are compared. */
  abstract readonly similarityFunction: SimilarityFunction;
}
