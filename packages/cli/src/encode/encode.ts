import { stat } from "node:fs/promises";
import path from "node:path";
import { SparseEncoder } from "@sparse-encoder/core";
import { CommandError, usageError } from "../command-error.ts";
import type { InputFormat } from "../input/input-formats.ts";
import type { FieldNames } from "../input/input-record.ts";
import { formatOf, readRecords } from "../input/read-records.ts";
import { Interruption } from "../interruption.ts";
import { embeddedModel } from "../models/embedded-model.ts";
import { encodeTexts } from "../models/encode-texts.ts";
import type { ModelOptions } from "../models/model-options.ts";
import { type AnyEncoder, openDenseEncoder, openSparseEncoder } from "../models/open-encoder.ts";
import { ProgressLine } from "../terminal/progress-line.ts";
import { note } from "../terminal/standard-output.ts";
import { outputTarget } from "../terminal/whole-file.ts";
import type { BlockSink, EncodedBlock } from "./block-sink.ts";
import type { RunSettings } from "./checkpoint.ts";
import type { EncodeTask } from "./encode-tasks.ts";
import { checkWritable, type EarlierRun, FileSink, isComplete } from "./file-sink.ts";
import { OutputSink } from "./output-sink.ts";
import { blockRecords, type RecordBlock, recordBlocks } from "./record-blocks.ts";
import type { Shard } from "./shard.ts";
import { openStore, withoutPassword } from "./store-address.ts";
import { StoreSink } from "./store-sink.ts";

/** Options of the command. */
export interface EncodeOptions extends ModelOptions {
  readonly dense?: boolean | undefined;
  readonly task: EncodeTask;
  readonly format?: InputFormat | undefined;
  readonly textField: string;
  readonly idField?: string | undefined;
  readonly output?: string | undefined;
  readonly store?: string | undefined;
  readonly vector: string;
  readonly checkpoint?: string | undefined;
  readonly batchSize: number;
  readonly shard?: Shard | undefined;
  readonly resume?: boolean | undefined;
  readonly restart?: boolean | undefined;
  readonly skipInvalid?: boolean | undefined;
  readonly keepFields?: boolean | undefined;
  readonly tokens?: boolean | undefined;
}

/** Messages about invalid records; the rest is counted. */
const shownProblems = 10;

/** Encodes the texts of files into lines or into a store. */
export async function encode(files: readonly string[], given: EncodeOptions): Promise<void> {
  checkOptions(given);
  const options = given.output === undefined ? given : { ...given, output: await outputTarget(given.output) };
  const inputs = files.length === 0 ? ["-"] : files;
  if (options.output !== undefined && options.resume && (await isComplete(options.output))) {
    note(`${options.output} is complete; nothing is left to do.`);
    return;
  }
  if (options.output !== undefined) await checkWritable(options.output);
  using interruption = new Interruption();
  const { signal } = interruption;
  const settings = await settingsOf(inputs, options);
  await using encoder = await openEncoder(options, signal);
  const sink = await openSink(encoder, settings, options);
  try {
    const counts = await encodeInto(sink, encoder, inputs, options, signal);
    await sink.finish();
    const skipped = counts.invalid > 0 ? `, ${counts.invalid} invalid records left out` : "";
    if (options.output !== undefined || options.store !== undefined)
      note(`${counts.records} texts encoded${skipped}.`);
    else if (counts.invalid > 0) note(`${counts.invalid} invalid records left out.`);
  } catch (error) {
    if (signal.aborted && options.output !== undefined) {
      note(`What was encoded is in ${options.output}.partial; add --resume to the same command to go on.`);
    }
    throw error;
  } finally {
    await sink.close();
  }
}

function checkOptions({
  output,
  store,
  resume,
  restart,
  checkpoint,
  dense,
  tokens,
  model,
}: EncodeOptions): void {
  if (output !== undefined && store !== undefined) throw usageError("Give --output or --store, not both.");
  if (resume && restart) throw usageError("Give --resume or --restart, not both.");
  if (resume && output === undefined && checkpoint === undefined) {
    throw usageError(
      "--resume needs --output, or --store with --checkpoint <file>: there is nothing to go on with.",
    );
  }
  if (checkpoint !== undefined && store === undefined) throw usageError("--checkpoint belongs to --store.");
  if (dense && tokens)
    throw usageError("--tokens has no meaning with --dense: dense vectors have no vocabulary.");
  if (dense && model === undefined) throw usageError("--dense needs --model: no dense model is embedded.");
}

async function openEncoder(options: EncodeOptions, signal: AbortSignal): Promise<AnyEncoder> {
  return options.dense
    ? openDenseEncoder(options.model!, options, signal)
    : openSparseEncoder(options, signal);
}

/** What decides about the output, the input files included. */
async function settingsOf(inputs: readonly string[], options: EncodeOptions): Promise<RunSettings> {
  const { model, revision, dtype, task, maxActiveDims, maxSeqLength, format, textField, idField } = options;
  const { dense, keepFields, tokens, skipInvalid, shard, store, vector } = options;
  const files = await Promise.all(
    inputs.map(async (file) => {
      if (file === "-") return { file };
      const { size, mtimeMs } = await stat(file).catch(() => {
        throw new CommandError(`There is no file ${file}.`);
      });
      return { file: path.basename(file), form: format ?? formatOf(file), size, modified: mtimeMs };
    }),
  );
  return {
    ...{ files, model, revision, dtype, task, maxActiveDims, maxSeqLength, textField, idField, dense },
    ...{ keepFields, tokens, skipInvalid, shard, blockRecords, vector: store && vector },
    store: store && withoutPassword(store),
  };
}

async function openSink(
  encoder: AnyEncoder,
  settings: RunSettings,
  options: EncodeOptions,
): Promise<BlockSink> {
  const { output, store: address, vector, checkpoint, tokens, keepFields = false } = options;
  const earlier: EarlierRun = options.resume ? "resume" : options.restart ? "restart" : "refuse";
  const tokensOf = tokens && encoder instanceof SparseEncoder ? encoder : undefined;
  if (output !== undefined) return FileSink.open(output, settings, { keepFields, tokensOf }, earlier);
  if (address === undefined) return new OutputSink({ keepFields, tokensOf });
  const dimension = encoder.embeddingDimension;
  const kind = encoder instanceof SparseEncoder ? "sparse" : "dense";
  const store = await openStore(address, {
    vectors: { [vector]: { kind, dimension } },
    model: options.model ?? embeddedModel,
  });
  return StoreSink.open(store, vector, checkpoint, settings, earlier);
}

async function encodeInto(
  sink: BlockSink,
  encoder: AnyEncoder,
  inputs: readonly string[],
  options: EncodeOptions,
  signal: AbortSignal,
): Promise<{ readonly records: number; readonly invalid: number }> {
  using line = new ProgressLine();
  const { format, textField, idField, shard = { index: 0, count: 1 }, skipInvalid } = options;
  const fields: FieldNames = { id: idField, text: textField };
  let records = 0;
  let invalid = 0;
  const onInvalid = ({ place, problem }: { place: string; problem: string }) => {
    if (invalid++ < shownProblems) note(`${place}: ${problem}; left out.`);
  };
  const blocks = recordBlocks(readRecords(inputs, { format, fields, signal }), {
    shard,
    skip: sink.stored,
    onInvalid: skipInvalid ? onInvalid : undefined,
  });
  const store = async (encoding: Promise<EncodedBlock>) => {
    const block = await encoding;
    await sink.write(block);
    records += block.records.length;
    line.count("Encoding", records, undefined, "texts");
  };
  // While one block is stored, the next is encoded, and the one after it is read.
  let ahead: Promise<EncodedBlock> | undefined;
  for await (const block of blocks) {
    const encoding = encodeBlock(encoder, block, options, signal);
    encoding.catch(() => {});
    if (ahead !== undefined) await store(ahead);
    ahead = encoding;
  }
  if (ahead !== undefined) await store(ahead);
  return { records, invalid };
}

async function encodeBlock(
  encoder: AnyEncoder,
  block: RecordBlock,
  { task, batchSize }: EncodeOptions,
  signal: AbortSignal,
): Promise<EncodedBlock> {
  const texts = block.records.map(({ text }) => text);
  return { ...block, vectors: await encodeTexts(encoder, task, texts, { signal, batchSize }) };
}
