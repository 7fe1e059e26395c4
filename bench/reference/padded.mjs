// Encodes texts by the method of fastembed for JavaScript, by the protocol of serve.py: an ONNX export that gives whole logits,
// every text padded to 512 tokens, the pooling in JavaScript. Usage: padded.mjs MODEL_FOLDER EXPORT THREADS
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { SparseEncoder } from "@sparse-encoder/core";

const { InferenceSession, Tensor } = createRequire(
  new URL("../../packages/core/package.json", import.meta.url),
)("onnxruntime-node");
const length = 512;
const batch = 8;

const [folder, file, threads] = process.argv.slice(2);
const tokenizer = await SparseEncoder.load(folder, { workers: 1, threads: 1 });
const session = await InferenceSession.create(file, { intraOpNumThreads: Number(threads) });

async function encodeBatch(texts) {
  const shape = [texts.length, length];
  const ids = new BigInt64Array(texts.length * length);
  const mask = new BigInt64Array(ids.length);
  (await tokenizer.tokenize(texts)).forEach((tokens, row) => {
    ids.set(BigInt64Array.from(tokens, BigInt), row * length);
    mask.fill(1n, row * length, row * length + tokens.length);
  });
  const feeds = {
    input_ids: new Tensor("int64", ids, shape),
    attention_mask: new Tensor("int64", mask, shape),
  };
  const { logits } = await session.run(feeds);
  const width = logits.dims[2];
  return texts.map((_, row) => {
    const largest = new Float32Array(width);
    for (let token = row * length; mask[token] === 1n; token++) {
      const scores = logits.data.subarray(token * width, (token + 1) * width);
      for (let dim = 0; dim < width; dim++) if (scores[dim] > largest[dim]) largest[dim] = scores[dim];
      if (token % length === length - 1) break;
    }
    return largest.map((score) => Math.log1p(score));
  });
}

const answer = (value) => console.log(JSON.stringify(value));
answer({ versions: { node: process.version } });
for await (const line of createInterface({ input: process.stdin })) {
  const { texts } = JSON.parse(line);
  const started = performance.now();
  for (let start = 0; start < texts.length; start += batch)
    await encodeBatch(texts.slice(start, start + batch));
  const seconds = (performance.now() - started) / 1000;
  answer({ seconds, peakRss: process.resourceUsage().maxRSS * 1024, rows: [] });
}
process.exit();
