// The server of `sparse-encoder serve` under load, beside only the encoder with the same batch: 64 clients, each with one text
// at a time. The two are measured in turn, so that other work on the machine meets both. At the end the server is told to stop while
// it answers. Ends with 1 if a request failed or the stop was not clean.
// Usage: pnpm bench:serve [-- --seconds 30 --clients 64]
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { SparseEncoder } from "@sparse-encoder/core";
import { writeReport } from "./report.ts";
import { textsOfTokens } from "./texts.ts";

const { values: options } = parseArgs({
  args: process.argv.slice(2).filter((argument) => argument !== "--"),
  options: { seconds: { type: "string", default: "30" }, clients: { type: "string", default: "64" } },
});
const clients = Number(options.clients);

/** Parts of the time, in which server and encoder take turns. */
const rounds = 3;
const roundMs = (Number(options.seconds) * 1000) / rounds;
const batchSize = 64;

const binary = fileURLToPath(new URL("../packages/cli/dist/main.js", import.meta.url));
const server = spawn(process.execPath, [binary, "serve", "--port", "0", "--batch", String(batchSize)], {
  stdio: ["ignore", "ignore", "pipe"],
});
const url = await new Promise<string>((resolve) => {
  server.stderr.on("data", (bytes: Buffer) => {
    const found = /Listening on (\S+)/.exec(bytes.toString())?.[1];
    if (found !== undefined) resolve(found);
  });
});
const waits: number[] = [];
let errors = 0;

/** A connection that stays open. The clients share the cores with the server, so they do no more than to look for the end of an answer. */
class Client {
  private socket: Socket | undefined;
  private received: Buffer = Buffer.alloc(0);
  private done: ((isGood: boolean) => void) | undefined;

  async ask(text: string): Promise<void> {
    const started = performance.now();
    const body = JSON.stringify({ inputs: text, task: "document" });
    this.socket ??= this.open();
    const answered = new Promise<boolean>((resolve) => {
      this.done = resolve;
    });
    this.socket.write(
      `POST /embed_sparse HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    if (await answered) waits.push(performance.now() - started);
    else errors++;
  }

  close(): void {
    this.socket?.destroy();
  }

  private open(): Socket {
    const socket = connect(Number(port), hostname);
    socket.setNoDelay(true);
    socket.on("data", (bytes) => this.take(bytes));
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.socket = undefined;
      this.done?.(false);
    });
    return socket;
  }

  private take(bytes: Buffer): void {
    this.received = this.received.length === 0 ? bytes : Buffer.concat([this.received, bytes]);
    const head = this.received.indexOf("\r\n\r\n");
    if (head < 0) return;
    const text = this.received.toString("latin1", 0, head);
    const length = Number(/content-length: (\d+)/i.exec(text)?.[1]);
    if (this.received.length < head + 4 + length) return;
    this.received = Buffer.alloc(0);
    this.done?.(text.startsWith("HTTP/1.1 200"));
  }
}

const { host, hostname, port } = new URL(url);
const connections = Array.from({ length: clients }, () => new Client());

/** Texts per second of the server. */
async function loadServer(texts: readonly string[], milliseconds: number): Promise<number> {
  const until = performance.now() + milliseconds;
  const started = performance.now();
  let done = 0;
  const client = async (number: number) => {
    for (let turn = number; performance.now() < until; turn += clients) {
      await connections[number]!.ask(texts[turn % texts.length]!);
      done++;
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
  return done / ((performance.now() - started) / 1000);
}

/** Texts per second of the encoder, with as many texts at once as the server has clients. */
async function loadEncoder(
  encoder: SparseEncoder,
  texts: readonly string[],
  milliseconds: number,
): Promise<number> {
  const started = performance.now();
  let done = 0;
  for (let start = 0; performance.now() - started < milliseconds; start += clients) {
    const part = Array.from({ length: clients }, (_, place) => texts[(start + place) % texts.length]!);
    await encoder.encodeDocument(part, { batchSize });
    done += clients;
  }
  return done / ((performance.now() - started) / 1000);
}

function residentMegabytes(): number {
  const status = readFileSync(`/proc/${server.pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1000;
}

await using encoder = await SparseEncoder.load();
const texts = await textsOfTokens(encoder, 64, 2000);
await loadServer(texts, 2000);
await loadEncoder(encoder, texts, 2000);
waits.length = 0;
const speeds = { server: [] as number[], encoder: [] as number[], memory: [residentMegabytes()] };
for (let round = 0; round < rounds; round++) {
  speeds.server.push(await loadServer(texts, roundMs));
  speeds.encoder.push(await loadEncoder(encoder, texts, roundMs));
  speeds.memory.push(residentMegabytes());
}
const sorted = waits.toSorted((a, b) => a - b);
const at = (share: number) => Number(sorted[Math.floor(share * (sorted.length - 1))]!.toFixed(0));
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const ratios = speeds.server.map((speed, round) => speed / speeds.encoder[round]!);
// One more wave, in which the server is told to end.
const answered = waits.length;
const wave = Promise.all(connections.map((client, number) => client.ask(texts[number]!)));
await new Promise((resolve) => setTimeout(resolve, 30));
const stopped = performance.now();
server.kill("SIGTERM");
const [code] = await once(server, "close");
await wave;
const figures = {
  clients,
  "tokens per text": 64,
  "server, texts per second": Number(mean(speeds.server).toFixed(0)),
  "encoder alone, texts per second": Number(mean(speeds.encoder).toFixed(0)),
  "server to encoder, median of rounds": Number([...ratios].sort((a, b) => a - b)[1]!.toFixed(3)),
  requests: sorted.length,
  errors,
  "answered of the last wave": waits.length - answered,
  "exit code": code,
  "stop, ms": Number((performance.now() - stopped).toFixed(0)),
  "median, ms": at(0.5),
  "99 %, ms": at(0.99),
  "memory at the start, MB": Math.round(speeds.memory[0]!),
  "memory at the end, MB": Math.round(speeds.memory.at(-1)!),
};
console.table(figures);
writeReport("serve", figures);
for (const client of connections) client.close();
process.exitCode = errors > 0 || code !== 0 ? 1 : 0;
