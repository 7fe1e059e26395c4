// A web server in the process that encodes with all workers: how long requests wait meanwhile. The client is another process.
// Usage: pnpm bench:server [-- --seconds 20]
import { fork } from "node:child_process";
import { createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { SparseEncoder } from "@sparse-encoder/core";
import { readCranfield } from "../examples/cranfield.ts";
import { writeReport } from "./report.ts";

const { values: options, positionals } = parseArgs({
  args: process.argv.slice(2).filter((argument) => argument !== "--"),
  options: { seconds: { type: "string", default: "20" } },
  allowPositionals: true,
});
const seconds = Number(options.seconds);
if (positionals[0] === undefined) await serve();
else await ask(Number(positionals[0]));

async function serve(): Promise<void> {
  await using encoder = await SparseEncoder.load();
  const texts = readCranfield().documents.map(({ text }) => text);
  // The workers are open before the first request.
  await encoder.encode(texts.slice(0, 200));
  const server = createServer((_request, response) => response.end("ok")).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const client = fork(fileURLToPath(import.meta.url), [
    String((server.address() as AddressInfo).port),
    "--seconds",
    options.seconds,
  ]);
  const waits = new Promise<number[]>((resolve) =>
    client.once("message", (message) => resolve(message as number[])),
  );
  let [gap, last, encoded] = [0, performance.now(), 0];
  const ticker = setInterval(() => {
    const now = performance.now();
    gap = Math.max(gap, now - last - 1);
    last = now;
  }, 1);
  const until = performance.now() + seconds * 1000 + 1000;
  while (performance.now() < until) encoded += (await encoder.encode(texts)).length;
  clearInterval(ticker);
  const sorted = (await waits).sort((a, b) => a - b);
  const at = (share: number) => Number(sorted[Math.floor(share * (sorted.length - 1))]!.toFixed(1));
  const figures = {
    requests: sorted.length,
    "median, ms": at(0.5),
    "99 %, ms": at(0.99),
    "longest, ms": at(1),
    "longest event-loop gap, ms": Number(gap.toFixed(1)),
    "texts encoded meanwhile": encoded,
    workers: encoder.describe().workers,
  };
  console.table(figures);
  writeReport("server", figures);
  server.close();
}

/** 100 requests a second. */
async function ask(port: number): Promise<void> {
  const waits: number[] = [];
  const until = performance.now() + seconds * 1000;
  while (performance.now() < until) {
    const started = performance.now();
    await new Promise<void>((resolve, reject) => {
      get({ host: "127.0.0.1", port, agent: false }, (response) => {
        response.resume().once("end", resolve);
      }).once("error", reject);
    });
    waits.push(performance.now() - started);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  process.send?.(waits, () => process.disconnect());
}
