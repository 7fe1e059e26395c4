import { spawn } from "node:child_process";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import {
  DenseEncoder,
  type EncodeProgress,
  SparseEncoder,
  SparseEncoderError,
  SparseMatrix,
  type SparseVector,
} from "@sparse-encoder/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectVectors, goldenModelFolder, readGolden } from "../helpers/golden-data.ts";

const golden = readGolden("bert-max-relu");
const small = goldenModelFolder("bert-max-relu");

/** Golden texts up to a length that takes no time, two of each, mixed: long and short ones side by side. */
const quick = golden.token_ids.flatMap((ids, position) => (ids.length < 80 ? [position] : []));
const positions = Array.from({ length: 2 * quick.length }, (_, n) => quick[(7 * n + 3) % quick.length]!);
const texts = positions.map((position) => golden.texts[position]!);
const expected = positions.map((position) => golden.encode[position]!);

/**
 * Batches of another shape may be cut into other pieces by the runtime, and so may products that several threads share:
 * rows are the same to float noise. With the same batches and one thread a worker they are the same bit for bit.
 */
function expectSame(actual: SparseMatrix, wanted: SparseMatrix): void {
  expect(actual.shape).toEqual(wanted.shape);
  expect(actual.equals(wanted, { absolute: 1e-6 })).toBe(true);
}

function expectDense(actual: Iterable<Float32Array>, wanted: Iterable<Float32Array>): void {
  const [rows, others] = [[...actual], [...wanted]];
  expect(rows.length).toBe(others.length);
  const differences = rows.map((row, n) =>
    Math.max(...row.map((value, dim) => Math.abs(value - others[n]![dim]!))),
  );
  expect(Math.max(0, ...differences)).toBeLessThanOrEqual(1e-6);
}

async function collect<Item>(stream: AsyncIterable<Item>): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "done";
  } catch (error) {
    if (SparseEncoderError.is(error)) return error.code;
    throw error;
  }
}

/** Yields `count` texts and says how many were read and whether it was closed. */
function source(count: number, failAt = Number.POSITIVE_INFINITY) {
  const state = { read: 0, closed: false };
  const items = (async function* () {
    try {
      while (state.read < count) {
        if (state.read === failAt) throw new Error("the source is broken");
        yield texts[state.read++ % texts.length]!;
      }
    } finally {
      state.closed = true;
    }
  })();
  return { state, items };
}

describe("the same rows", () => {
  let single: SparseEncoder;
  let reference: SparseMatrix;
  beforeAll(async () => {
    single = await SparseEncoder.load(small, { workers: 1, threads: 1 });
    reference = await single.encode(texts);
    expectVectors(reference, expected, texts);
  });
  afterAll(() => single.close());

  it("bit for bit from 1 and 4 workers of one thread, in any number of batches", async () => {
    const encoder = await SparseEncoder.load(small, { workers: 4, threads: 1 });
    for (const options of [{}, { batchSize: 3 }, { chunkSize: 5, batchSize: 2 }]) {
      const wanted = await single.encode(texts, options);
      for (let time = 0; time < 3; time++) {
        const rows = await encoder.encode(texts, options);
        expect(rows.equals(wanted)).toBe(true);
      }
    }
    await encoder.close();
  });

  it.each([1, 2, 4])("from %i workers of an encoder, in every order and size of batches", async (workers) => {
    const encoder = await SparseEncoder.load(small, { workers });
    for (const batchSize of [1, 7, texts.length - 1, texts.length, texts.length + 1, 2 * texts.length + 1]) {
      expectSame(await encoder.encode(texts, { batchSize }), reference);
    }
    for (const chunkSize of [1, 5, texts.length - 1, texts.length, texts.length + 1, 2 * texts.length + 1]) {
      expectSame(await encoder.encode(texts, { chunkSize, batchSize: 3 }), reference);
    }
    await encoder.close();
  });

  it.each([1, 4])("from a pool of %i workers", async (workers) => {
    await using pool = await single.startPool(new Array(workers).fill("cpu"));
    expect(pool.devices).toEqual(new Array(workers).fill("cpu"));
    for (const chunkSize of [
      undefined,
      1,
      10,
      texts.length - 1,
      texts.length,
      texts.length + 1,
      2 * texts.length + 1,
    ]) {
      for (const batchSize of [1, 32]) {
        expectSame(
          await single.encode(texts, { pool, batchSize, ...(chunkSize !== undefined && { chunkSize }) }),
          reference,
        );
      }
    }
    for (const method of ["encodeQuery", "encodeDocument"] as const) {
      expectSame(await single[method](texts, { pool }), reference);
    }
    expectSame(SparseMatrix.fromRows([await single.encode(texts[0]!, { pool })]), reference.slice(0, 1));
  });

  it.each([0, 1, 9, 10, 11, 21])("for %i texts in chunks of 10", async (count) => {
    const some = texts.slice(0, count);
    await using pool = await single.startPool(["cpu", "cpu"]);
    for (const chunkSize of [10, 1]) {
      expectSame(await single.encode(some, { pool, chunkSize, batchSize: 4 }), reference.slice(0, count));
    }
  });

  it("from devices for one call", async () => {
    expectSame(await single.encode(texts, { device: ["cpu", "cpu"], chunkSize: 7 }), reference);
    expectSame(await single.encode(texts, { device: "cpu" }), reference);
  });

  it("from streams of arrays, generators, Node and web streams, over windows and with a pool", async () => {
    const many = Array.from({ length: 6 }, () => texts).flat();
    const wanted = SparseMatrix.fromRows(Array.from({ length: 6 }, () => [...reference]).flat(), 1500);
    const web = () =>
      new ReadableStream<string>({
        start(controller) {
          for (const text of many) controller.enqueue(text);
          controller.close();
        },
      });
    await using pool = await single.startPool(["cpu", "cpu"]);
    for (const make of [
      () => many,
      () => many.values(),
      () => source(many.length).items,
      () => Readable.from(many),
      () => web() as AsyncIterable<string>,
    ]) {
      for (const options of [{}, { pool, chunkSize: 5 }, { batchSize: 2 }]) {
        const input = make() as Iterable<string> | AsyncIterable<string>;
        expectSame(SparseMatrix.fromRows(await collect(single.encodeStream(input, options)), 1500), wanted);
      }
    }
    const own = single.encodeStream(many, { device: ["cpu", "cpu"], task: "document" });
    expectSame(SparseMatrix.fromRows(await collect(own), 1500), wanted);
  });

  it("of dense encoders", async () => {
    const dense = await DenseEncoder.load(goldenModelFolder("dense-mean-normalize"), {
      workers: 1,
      threads: 1,
    });
    const rows = await dense.encode(texts);
    await using pool = await dense.startPool(["cpu", "cpu", "cpu", "cpu"]);
    for (const options of [
      { pool },
      { pool, chunkSize: 3, batchSize: 2 },
      { device: ["cpu", "cpu"] },
      { batchSize: 1 },
    ]) {
      expectDense(await dense.encode(texts, options), rows);
      expectDense(await collect(dense.encodeStream(texts, options)), rows);
    }
    await dense.close();
  });

  it("of models without inference, whose pools have no workers", async () => {
    const encoder = await SparseEncoder.load(goldenModelFolder("inference-free"));
    const inputs = readGolden("inference-free").texts;
    await using pool = await encoder.startPool(["cpu", "cpu"]);
    for (const method of ["encode", "encodeQuery", "encodeDocument"] as const) {
      expectSame(await encoder[method](inputs, { pool, chunkSize: 2 }), await encoder[method](inputs));
    }
    await encoder.close();
  });
});

describe("progress", () => {
  it.each([{}, { batchSize: 1 }, { chunkSize: 7 }, { device: ["cpu", "cpu"], chunkSize: 7 }])(
    "rises with each batch to the number of texts: %j",
    async (options) => {
      const encoder = await SparseEncoder.load(small, { workers: 2 });
      const seen: EncodeProgress[] = [];
      await encoder.encode(texts, { ...options, onProgress: (progress) => void seen.push(progress) });
      const done = seen.map((progress) => progress.done);
      expect(done).toEqual([...new Set(done)].sort((a, b) => a - b));
      expect(done.at(-1)).toBe(texts.length);
      for (const { total, textsPerSecond } of seen) {
        expect(total).toBe(texts.length);
        expect(textsPerSecond).toBeGreaterThan(0);
      }
      await encoder.close();
    },
  );

  it("of a stream has no total", async () => {
    const encoder = await SparseEncoder.load(small);
    const seen: EncodeProgress[] = [];
    await collect(encoder.encodeStream(texts, { onProgress: (progress) => void seen.push(progress) }));
    expect(seen.at(-1)).toMatchObject({ done: texts.length, total: undefined });
    await encoder.close();
  });
});

describe("many calls at once on one pool", () => {
  const large = Array.from({ length: 20 }, () => texts).flat();
  let encoder: SparseEncoder;
  beforeAll(async () => {
    encoder = await SparseEncoder.load(small, { workers: 1 });
  });
  afterAll(() => encoder.close());

  it("each get their rows", async () => {
    await using pool = await encoder.startPool(["cpu", "cpu"]);
    const calls = texts.map(async (text, n) => {
      const rows =
        n % 2 === 0
          ? await encoder.encode([text], { pool })
          : await collect(encoder.encodeStream([text], { pool }));
      expectVectors(SparseMatrix.fromRows([...rows], 1500), [expected[n]!]);
    });
    await Promise.all(calls);
    expect(calls.length).toBe(texts.length);
  });

  it("are served in turn: a small one ends before a large one that began earlier", async () => {
    await using pool = await encoder.startPool(["cpu", "cpu"]);
    for (const options of [{}, { pool }, { pool, chunkSize: 500 }]) {
      const ended: string[] = [];
      const first = encoder.encode(large, options).then(() => ended.push("large"));
      await sleep(20);
      const second = encoder.encode(texts.slice(0, 3), options).then(() => ended.push("small"));
      await Promise.all([first, second]);
      expect(ended).toEqual(["small", "large"]);
    }
  });

  it("are aborted one by one: after at most a batch, and the others go on", async () => {
    await using pool = await encoder.startPool(["cpu", "cpu"]);
    for (const options of [
      { batchSize: 1 },
      { pool, batchSize: 1 },
      { pool, chunkSize: 500, batchSize: 1 },
    ]) {
      const abort = new AbortController();
      let after = 0;
      const aborted = codeOf(
        encoder.encode(large, {
          ...options,
          signal: abort.signal,
          onProgress: () => {
            if (abort.signal.aborted) after++;
            else abort.abort();
          },
        }),
      );
      const others = Array.from({ length: 3 }, () => encoder.encode(texts, options));
      expect(await aborted).toBe("ABORTED");
      for (const rows of await Promise.all(others)) expectVectors(rows, expected, texts);
      expect(after).toBe(0);
    }
  });

  it("do not keep an aborted call waiting for its turn", async () => {
    const others = Array.from({ length: 20 }, () => encoder.encode(texts));
    let othersEnded = 0;
    for (const other of others) void other.then(() => othersEnded++);
    const abort = new AbortController();
    const call = codeOf(encoder.encode(texts, { signal: abort.signal }));
    await sleep(5);
    abort.abort();
    expect(await call).toBe("ABORTED");
    expect(othersEnded).toBeLessThan(others.length);
    for (const rows of await Promise.all(others)) expectVectors(rows, expected, texts);
  });
});

describe("the load of workers", () => {
  const idle = { busyWorkers: 0, queuedBatches: 0 };

  it("shows batches that run and wait, without batches of calls that were aborted", async () => {
    await using encoder = await SparseEncoder.load(small, { workers: 2 });
    const pool = await encoder.startPool(["cpu"]);
    expect([encoder.workerLoad, pool.workerLoad]).toEqual([
      { workers: 2, ...idle },
      { workers: 1, ...idle },
    ]);
    const abort = new AbortController();
    const started = new Promise<void>((resolve) => {
      const calls = Array.from({ length: 100 }, () =>
        codeOf(encoder.encode(texts, { batchSize: 1, signal: abort.signal, onProgress: () => resolve() })),
      );
      void Promise.all(calls).then((codes) => expect(new Set(codes)).toEqual(new Set(["ABORTED"])));
    });
    await started;
    expect(encoder.workerLoad.busyWorkers).toBe(2);
    expect(encoder.workerLoad.queuedBatches).toBeGreaterThan(50);
    expect(pool.workerLoad).toEqual({ workers: 1, ...idle });
    abort.abort();
    // Only what runs at this moment is still to end.
    expect(encoder.workerLoad.queuedBatches).toBe(0);
    expectVectors(await encoder.encode(texts.slice(0, 2)), expected.slice(0, 2));
    expect(encoder.workerLoad.queuedBatches).toBe(0);
  });

  it("of a model without inference is the load of no workers", async () => {
    await using encoder = await SparseEncoder.load(goldenModelFolder("inference-free"));
    const { workerLoad } = encoder;
    expect(workerLoad.queuedBatches).toBe(0);
    await encoder.encodeQuery("a");
  });
});

describe("stopping", () => {
  const large = Array.from({ length: 6 }, () => texts).flat();
  const wanted = Array.from({ length: 6 }, () => expected).flat();
  let encoder: SparseEncoder;
  beforeAll(async () => {
    encoder = await SparseEncoder.load(small);
  });
  afterAll(() => encoder.close());

  it("stopPool lets calls finish, refuses new ones, and may be called again", async () => {
    const pool = await encoder.startPool(["cpu", "cpu"]);
    const call = encoder.encode(large, { pool, chunkSize: 10 });
    await sleep(5);
    const stopping = encoder.stopPool(pool);
    expect(await codeOf(encoder.encode(texts, { pool }))).toBe("CLOSED");
    expectVectors(await call, wanted, large);
    await Promise.all([stopping, encoder.stopPool(pool), pool.stop(), pool.destroy()]);
    expectVectors(await encoder.encode(texts), expected, texts);
  });

  it.each([1, 2])("a call lives when its pool is stopped in the same tick, with %i texts", async (count) => {
    const pool = await encoder.startPool(["cpu"]);
    const some = texts.slice(0, count);
    const calls = [
      encoder.encode(some, { pool }),
      encoder.encodeQuery(some, { pool }),
      encoder.encodeDocument(some, { pool, chunkSize: 1 }),
    ];
    await pool.stop();
    for (const rows of await Promise.all(calls)) expectVectors(rows, expected.slice(0, count), some);
    const other = await encoder.startPool(["cpu"]);
    const ended = codeOf(encoder.encode(some, { pool: other }));
    await other.destroy();
    expect(["done", "CLOSED"]).toContain(await ended);
  });

  it("await using stops a pool at the end of the block", async () => {
    let kept: Awaited<ReturnType<SparseEncoder["startPool"]>>;
    {
      await using pool = await encoder.startPool(["cpu"]);
      kept = pool;
      expectVectors(await encoder.encode(texts, { pool }), expected, texts);
    }
    expect(await codeOf(encoder.encode("a", { pool: kept }))).toBe("CLOSED");
  });

  it.each([0, 2, 10, 40])("destroying a pool after %i ms gives right rows or CLOSED", async (delay) => {
    const pool = await encoder.startPool(["cpu", "cpu"]);
    const calls = Array.from({ length: 3 }, () =>
      encoder.encode(large, { pool }).then((rows) => expectVectors(rows, wanted, large)),
    );
    const outcomes = Promise.all(calls.map(codeOf));
    await sleep(delay);
    await pool.destroy();
    for (const outcome of await outcomes) expect(["done", "CLOSED"]).toContain(outcome);
    expectVectors(await encoder.encode(texts), expected, texts);
  });

  it.each([0, 2, 10])("destroying the encoder after %i ms gives right rows or CLOSED", async (delay) => {
    const other = await SparseEncoder.load(small, { workers: 2 });
    const pool = await other.startPool(["cpu"]);
    const calls = [{}, { pool }, { device: "cpu" }].map((options) =>
      other.encode(large, options).then((rows) => expectVectors(rows, wanted, large)),
    );
    const stream = collect(other.encodeStream(large)).then((rows) =>
      expectVectors(SparseMatrix.fromRows(rows, 1500), wanted, large),
    );
    const outcomes = Promise.all([...calls, stream].map(codeOf));
    await sleep(delay);
    await Promise.all([other.destroy(), other.close(), other.destroy()]);
    for (const outcome of await outcomes) expect(["done", "CLOSED"]).toContain(outcome);
    expect(await codeOf(other.encode("a"))).toBe("CLOSED");
  });

  it("closing the encoder lets calls finish and stops its pools", async () => {
    const other = await SparseEncoder.load(small, { workers: 2 });
    const pool = await other.startPool(["cpu"]);
    const calls = [{}, { pool }, { device: "cpu" }].map((options) => other.encode(large, options));
    await other.close();
    for (const rows of await Promise.all(calls)) expectVectors(rows, wanted, large);
    expect(await codeOf(encoder.encode("a", { pool }))).toBe("CLOSED");
  });

  it("a stream over a pool that is stopped ends with CLOSED after right rows", async () => {
    const pool = await encoder.startPool(["cpu"]);
    const { state, items } = source(100_000);
    const rows: SparseVector[] = [];
    const reading = (async () => {
      for await (const row of encoder.encodeStream(items, { pool })) {
        rows.push(row);
        if (rows.length === 1) await encoder.stopPool(pool);
      }
    })();
    expect(await codeOf(reading)).toBe("CLOSED");
    expect(state.closed).toBe(true);
    const some = rows.slice(0, 500);
    expectVectors(
      SparseMatrix.fromRows(some, 1500),
      some.map((_, n) => expected[n % expected.length]!),
    );
  });
});

describe("a stream", () => {
  let encoder: SparseEncoder;
  beforeAll(async () => {
    encoder = await SparseEncoder.load(small, { workers: 1 });
  });
  afterAll(() => encoder.close());

  it.each([1, 3])(
    "reads its source no more than two windows ahead of the taker, with %i workers",
    async (workers) => {
      await using pool = await encoder.startPool(new Array(workers).fill("cpu"));
      const ahead = 2 * 256 * workers;
      const { state, items } = source(3 * ahead);
      let taken = 0;
      let furthest = 0;
      for await (const _ of encoder.encodeStream(items, { pool })) {
        // Whatever is read in advance has time to be read.
        if (taken % 200 === 0) await sleep(10);
        furthest = Math.max(furthest, state.read - taken);
        taken++;
      }
      expect(taken).toBe(3 * ahead);
      expect(furthest).toBeLessThanOrEqual(ahead);
      expect(state.closed).toBe(true);
    },
  );

  it("reads nothing before the first vector is asked for", async () => {
    const { state, items } = source(10);
    const stream = encoder.encodeStream(items);
    await sleep(10);
    expect(state.read).toBe(0);
    await stream.return();
    expect(await collect(stream)).toEqual([]);
  });

  it("closes its source when the loop is left", async () => {
    for (const limit of [1, 300]) {
      const { state, items } = source(10_000);
      let taken = 0;
      for await (const _ of encoder.encodeStream(items)) if (++taken === limit) break;
      expect(state.closed).toBe(true);
      expect(state.read).toBeLessThan(10_000);
    }
    const readable = Readable.from(source(10_000).items);
    for await (const _ of encoder.encodeStream(readable as AsyncIterable<string>)) break;
    expect(readable.destroyed).toBe(true);
    let cancelled = false;
    const web = new ReadableStream<string>({
      pull: (controller) => controller.enqueue("text"),
      cancel: () => {
        cancelled = true;
      },
    });
    for await (const _ of encoder.encodeStream(web as AsyncIterable<string>)) break;
    expect(cancelled).toBe(true);
  });

  it("closes its source when the taker throws", async () => {
    const { state, items } = source(10_000);
    const failing = (async () => {
      for await (const _ of encoder.encodeStream(items)) throw new Error("no more");
    })();
    await expect(failing).rejects.toThrow("no more");
    expect(state.closed).toBe(true);
  });

  it.each([0, 1, 255, 256, 257, 600])(
    "gives all vectors before the place %i where its source fails",
    async (failAt) => {
      const rows: SparseVector[] = [];
      const { items } = source(1000, failAt);
      const reading = (async () => {
        for await (const row of encoder.encodeStream(items)) rows.push(row);
      })();
      await expect(reading).rejects.toThrow("the source is broken");
      expect(rows.length).toBe(failAt);
      expectVectors(
        SparseMatrix.fromRows(rows, 1500),
        rows.map((_, n) => expected[n % expected.length]!),
      );
    },
  );

  it.each([0, 1, 255, 256, 257, 600])(
    "gives all vectors before a bad text at %i and names it",
    async (bad) => {
      const inputs: unknown[] = Array.from({ length: 1000 }, (_, n) => texts[n % texts.length]);
      inputs[bad] = 17;
      const rows: SparseVector[] = [];
      const reading = (async () => {
        for await (const row of encoder.encodeStream(inputs as string[])) rows.push(row);
      })();
      await expect(reading).rejects.toThrow(`the text at position ${bad} must be a string, received 17`);
      expect(rows.length).toBe(bad);
    },
  );

  it("is aborted between vectors, while a window is embedded, and while its source is silent", async () => {
    const between = new AbortController();
    const first = source(10_000);
    let taken = 0;
    const reading = (async () => {
      for await (const _ of encoder.encodeStream(first.items, { signal: between.signal })) {
        if (++taken === 10) between.abort();
      }
    })();
    expect(await codeOf(reading)).toBe("ABORTED");
    expect(taken).toBe(10);
    expect(first.state.closed).toBe(true);

    const during = new AbortController();
    const options = { signal: during.signal, batchSize: 1, onProgress: () => during.abort() };
    expect(await codeOf(collect(encoder.encodeStream(source(10_000).items, options)))).toBe("ABORTED");

    const silent = new AbortController();
    const never = (async function* () {
      yield "one";
      await new Promise(() => {});
    })();
    const waiting = codeOf(collect(encoder.encodeStream(never, { signal: silent.signal })));
    await sleep(20);
    silent.abort();
    expect(await waiting).toBe("ABORTED");
    expectVectors(await encoder.encode(texts), expected, texts);
  });
});

it("a process ends by itself after pools, streams and encoders were closed, and after nothing was", async () => {
  const program = `
    import { SparseEncoder } from "@sparse-encoder/core";
    const encoder = await SparseEncoder.load(${JSON.stringify(small)}, { workers: 2 });
    const pool = await encoder.startPool(["cpu", "cpu"]);
    await encoder.encode(["one", "two", "three"], { pool, chunkSize: 1 });
    await encoder.encode(["one"], { device: ["cpu"] });
    for await (const _ of encoder.encodeStream(["one", "two"])) break;
    if (process.argv[1] === "close") {
      await encoder.stopPool(pool);
      await encoder.close();
    }
    process.on("exit", () => console.log("ended", process.getActiveResourcesInfo().filter((name) => name === "Timeout").length));`;
  for (const how of ["close", "leave"]) {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program, how], {
      cwd: fileURLToPath(new URL("../..", import.meta.url)),
      timeout: 90_000,
      killSignal: "SIGKILL",
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (part) => (output += part));
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect([how, code, output]).toEqual([how, 0, "ended 0\n"]);
  }
}, 120_000);
