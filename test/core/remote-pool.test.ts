import { RemoteDenseEncoder, RemoteSparseEncoder } from "@sparse-encoder/core";
import { afterEach, describe, expect, it } from "vitest";
import { FakeInferenceServer } from "../fakes/fake-inference-server.ts";
import { authority, TlsFront } from "../fakes/tls-front.ts";

const servers: FakeInferenceServer[] = [];

async function startServers(count: number): Promise<{ fakes: FakeInferenceServer[]; urls: string[] }> {
  const fakes = Array.from({ length: count }, () => new FakeInferenceServer());
  servers.push(...fakes);
  return { fakes, urls: await Promise.all(fakes.map((fake) => fake.start())) };
}

afterEach(() => {
  for (const server of servers.splice(0)) server.stop();
});

/** Texts whose length tells them apart, and what the fake makes of them. */
const texts = Array.from({ length: 60 }, (_, place) => "a".repeat(place + 1));
const expected = texts.map(({ length }) => [
  [1, length],
  [3, 0.5],
]);
const rowsOf = (matrix: Iterable<Iterable<unknown>>) => Array.from(matrix, (row) => [...row]);
const settings = { dimension: 6, batchSize: 2, parallel: 2 };

describe("RemoteSparseEncoder on several servers", () => {
  it("shares texts by speed and keeps their order", async () => {
    const { fakes, urls } = await startServers(2);
    const [fast, slow] = fakes as [FakeInferenceServer, FakeInferenceServer];
    fast.delay = 5;
    slow.delay = 60;
    await using encoder = await RemoteSparseEncoder.open(urls, settings);
    expect(rowsOf(await encoder.encode(texts))).toEqual(expected);
    const [ofFast, ofSlow] = fakes.map(({ bodies }) => bodies.length);
    expect(ofSlow).toBeGreaterThan(1);
    expect(ofFast).toBeGreaterThan(2 * ofSlow!);
    expect(Math.max(fast.mostRunning, slow.mostRunning)).toBe(2);
  });

  it("gives the batches of a server that dies to the others, and asks it again when it is back", async () => {
    const { fakes, urls } = await startServers(3);
    for (const fake of fakes) fake.delay = 5;
    await using encoder = await RemoteSparseEncoder.open(urls, settings);
    const call = encoder.encode([...texts, ...texts, ...texts]);
    await expect.poll(() => fakes[1]!.bodies.length).toBeGreaterThan(3);
    fakes[1]!.stop();
    expect(rowsOf(await call)).toEqual([...expected, ...expected, ...expected]);
    const back = new FakeInferenceServer();
    servers.push(back);
    await back.start(Number(new URL(urls[1]!).port));
    await expect
      .poll(
        async () => {
          await encoder.encode(texts);
          return back.bodies.length;
        },
        { timeout: 15_000 },
      )
      .toBeGreaterThan(0);
  });

  it.each([
    ["hangs", { isHung: true }],
    ["cuts the connection", { isCut: true }],
    ["fails", { status: 500, body: "no card" }],
    ["says that inference failed", { status: 424, body: { error: "inference failed" } }],
    ["is full", { status: 429, body: { error: "full" }, headers: { "retry-after": "30" } }],
  ])("goes on with another server when one %s", async (_case, answer) => {
    const { fakes, urls } = await startServers(2);
    await using encoder = await RemoteSparseEncoder.open(urls, { ...settings, timeout: 200, retries: 1 });
    fakes[0]!.instead.push(answer);
    expect(rowsOf(await encoder.encode(texts.slice(0, 8)))).toEqual(expected.slice(0, 8));
    expect(fakes[0]!.instead).toEqual([]);
    if (!("headers" in answer)) return;
    const asked = fakes[0]!.bodies.length;
    await encoder.encode(texts);
    // It asked for half a minute.
    expect(fakes[0]!.bodies.length).toBe(asked);
  });

  it("says what the last one said when none can do it", async () => {
    const { fakes, urls } = await startServers(2);
    await using encoder = await RemoteSparseEncoder.open(urls, { ...settings, retries: 0 });
    for (const fake of fakes) fake.instead.push({ status: 500, body: { error: "no card" } });
    await expect(encoder.encode("a")).rejects.toMatchObject({
      code: "REMOTE_REFUSED",
      message: expect.stringMatching(/500: no card/),
    });
  });

  it("starts with those that are there, and takes another one up later", async () => {
    const { fakes, urls } = await startServers(2);
    fakes[0]!.stop();
    await using encoder = await RemoteSparseEncoder.open(urls, { ...settings, retries: 1 });
    expect(rowsOf(await encoder.encode(texts))).toEqual(expected);
    for (const fake of fakes) fake.stop();
    await expect(RemoteSparseEncoder.open(urls, { ...settings, retries: 0 })).rejects.toMatchObject({
      code: "NETWORK",
    });
  });

  it("refuses servers of different models, at once or when they come", async () => {
    const { fakes, urls } = await startServers(2);
    fakes[1]!.lengthDim = 2;
    await expect(RemoteSparseEncoder.open(urls, settings)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringMatching(/embed a text differently; .* must have the same model/),
    });
  });

  it("follows Retry-After, and asks a full server with no other call meanwhile", async () => {
    const { fakes, urls } = await startServers(1);
    await using encoder = await RemoteSparseEncoder.open(urls, settings);
    fakes[0]!.instead.push({ status: 429, body: { error: "full" }, headers: { "retry-after": "1" } });
    const started = performance.now();
    const first = encoder.encode("a");
    await expect.poll(() => fakes[0]!.bodies.length).toBe(1);
    await Promise.all([first, encoder.encode("aa"), encoder.encodeQuery("aaa")]);
    expect(performance.now() - started).toBeGreaterThan(990);
    expect(fakes[0]!.bodies.length).toBe(4);
  });

  it("asks a server with no more requests at once than it was told, by all calls together", async () => {
    const { fakes, urls } = await startServers(1);
    fakes[0]!.delay = 10;
    await using encoder = await RemoteSparseEncoder.open(urls, settings);
    await Promise.all([encoder.encode(texts), encoder.encode(texts), encoder.encodeQuery(texts)]);
    expect(fakes[0]!.mostRunning).toBe(2);
  });

  it.each([
    ["no address", [], /at least one server/],
    ["an address twice", ["http://127.0.0.1:1", "http://127.0.0.1:1/"], /given twice/],
    ["one that is none", ["http://127.0.0.1:1", "b"], /url 2 must be an address/],
    ["a query", "http://127.0.0.1:1/?model=a", /no query/],
  ])("refuses %s", async (_case, urls, message) => {
    await expect(RemoteSparseEncoder.open(urls)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringMatching(message),
    });
  });
});

describe("encodeStream of a remote encoder", () => {
  it("keeps the order, reads no further ahead than requests may run, and closes the source", async () => {
    const { fakes, urls } = await startServers(2);
    fakes[1]!.delay = 20;
    await using encoder = await RemoteSparseEncoder.open(urls, settings);
    let read = 0;
    let isClosed = false;
    function* source() {
      try {
        for (const text of texts) {
          read++;
          yield text;
        }
      } finally {
        isClosed = true;
      }
    }
    const rows: unknown[][] = [];
    for await (const vector of encoder.encodeStream(source(), { task: "document" })) {
      rows.push([...vector]);
      // 4 requests of 2 texts, and the one that the reader has in hand.
      expect(read).toBeLessThanOrEqual(rows.length + 10);
      if (rows.length === 30) break;
    }
    expect(rows).toEqual(expected.slice(0, 30));
    expect(isClosed).toBe(true);
    expect(fakes[0]!.bodies.at(-1)).toMatchObject({ task: "document" });
  });

  it("gives what came before a failure first", async () => {
    const { fakes, urls } = await startServers(1);
    await using encoder = await RemoteSparseEncoder.open(urls[0]!, { ...settings, retries: 0 });
    const take = async (source: Iterable<string>) => {
      let count = 0;
      try {
        for await (const _ of encoder.encodeStream(source)) count++;
      } catch (error) {
        return [count, (error as { code: string }).code];
      }
      return [count];
    };
    expect(await take(["a", "b", 3 as unknown as string])).toEqual([2, "INVALID_TEXT"]);
    fakes[0]!.instead.push({ body: [[], []] }, { status: 422, body: { error: "no" } });
    expect(await take(["a", "b", "c"])).toEqual([2, "REMOTE_REFUSED"]);
    expect(await take([])).toEqual([0]);
  });

  it("yields rows while the source is slow, and ends on a signal though the source is silent", async () => {
    const { urls } = await startServers(1);
    await using encoder = await RemoteSparseEncoder.open(urls, { ...settings, batchSize: 1 });
    const stop = new AbortController();
    async function* source() {
      yield "a";
      await new Promise(() => {});
    }
    const seen: number[] = [];
    const reading = (async () => {
      for await (const vector of encoder.encodeStream(source(), { signal: stop.signal })) {
        seen.push(vector.get(1));
        stop.abort();
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: "ABORTED" });
    expect(seen).toEqual([1]);
  });
});

describe("what a sparse encoder has beside encode", () => {
  it("compares, decodes and counts as one of this machine", async () => {
    const { urls } = await startServers(1);
    const vocabulary = ["[PAD]", "length", "a", "half", "b", "c"];
    await using encoder = await RemoteSparseEncoder.open(urls[0]!, { vocabulary, batchSize: 2 });
    const matrix = await encoder.encode(["a", "aa"]);
    // Worked out by hand: [1, 0.5] and [2, 0.5].
    expect(encoder.similarity(matrix, matrix).map((row) => [...row])).toEqual([
      [1.25, 2.25],
      [2.25, 4.25],
    ]);
    expect([...encoder.similarityPairwise(matrix, matrix)]).toEqual([1.25, 4.25]);
    expect(encoder.decode(matrix.row(1), { topK: 1 })).toEqual([["length", 2]]);
    expect(encoder.decode(matrix)[0]).toEqual([
      ["length", 1],
      ["half", 0.5],
    ]);
    expect(encoder.sparsity(matrix)).toMatchObject({ activeDims: 2 });
    expect([...encoder.intersection(matrix.row(0), matrix.row(1))]).toEqual([
      [1, 2],
      [3, 0.25],
    ]);
    encoder.maxActiveDims = 1;
    expect([...(await encoder.encode("a", { maxActiveDims: 2 }))]).toHaveLength(2);
    expect([...(await encoder.encode("a"))]).toEqual([[1, 1]]);
    expect(encoder.describe()).toEqual({
      servers: [`${urls[0]}/`],
      model: "fake",
      dimension: 6,
      maxSeqLength: undefined,
      batchSize: 2,
    });
  });

  it("says that a server tells no vocabulary", async () => {
    const { urls } = await startServers(1);
    await using encoder = await RemoteSparseEncoder.open(urls[0]!, settings);
    expect(() => encoder.decode(encoder.intersection as never)).toThrow(
      /does not tell its vocabulary; .* vocab.txt/,
    );
    expect(encoder.tokenOf(3)).toBe("[3]");
  });

  it("puts a prompt before the texts, and names one of the model", async () => {
    const { fakes, urls } = await startServers(1);
    await using encoder = await RemoteSparseEncoder.open(urls[0]!, { ...settings, queryPromptName: "query" });
    await encoder.encodeQuery("a", { prompt: "find: " });
    await encoder.encodeQuery("a", { promptName: "other" });
    await encoder.encodeDocument("a");
    expect(fakes[0]!.bodies.map(({ inputs, prompt_name }) => [inputs, prompt_name])).toEqual([
      [["find: a"], undefined],
      [["a"], "other"],
      [["a"], undefined],
    ]);
  });

  it("asks in pieces for long texts, so that bodies stay below the limits of servers", async () => {
    const { fakes, urls } = await startServers(1);
    await using encoder = await RemoteSparseEncoder.open(urls[0]!, { ...settings, batchSize: 32 });
    const long = "b".repeat(700_000);
    expect((await encoder.encode([long, long, "a", "a"])).length).toBe(4);
    expect(fakes[0]!.bodies.map(({ inputs }) => inputs.length).sort()).toEqual([1, 1, 2]);
  });

  it("counts what is done", async () => {
    const { urls } = await startServers(1);
    await using encoder = await RemoteSparseEncoder.open(urls[0]!, settings);
    const done: [number, number | undefined][] = [];
    await encoder.encode(["a", "b", "c"], {
      onProgress: (progress) => done.push([progress.done, progress.total]),
    });
    expect(done.at(-1)).toEqual([3, 3]);
  });
});

describe("keys and certificates", () => {
  it("stand in no message", async () => {
    const { fakes, urls } = await startServers(1);
    const { host } = new URL(urls[0]!);
    const secret = "s3cr%t";
    const failures: unknown[] = [];
    const fail = async (call: Promise<unknown>) => failures.push(await call.catch((error: unknown) => error));
    await fail(RemoteSparseEncoder.open(`ftp://user:${secret}@${host}`));
    await fail(RemoteSparseEncoder.open(urls[0]!, { apiKey: `${secret}\nx` }));
    await fail(RemoteSparseEncoder.open(`http://user:${secret}@${host}`, { apiKey: "k" }));
    await using basic = await RemoteSparseEncoder.open(`http://user:${secret}@${host}`, {
      dimension: 6,
      retries: 0,
    });
    await using bearer = await RemoteSparseEncoder.open(urls[0]!, {
      dimension: 6,
      apiKey: secret,
      retries: 0,
    });
    for (const encoder of [basic, bearer]) {
      fakes[0]!.instead.push(
        { status: 403, body: { error: `no ${secret} please` } },
        { body: "<" },
        { body: [] },
      );
      for (let call = 0; call < 3; call++) await fail(encoder.encode("a"));
    }
    fakes[0]!.stop();
    for (const encoder of [basic, bearer]) await fail(encoder.encode("a"));
    expect(failures).toHaveLength(11);
    for (const failure of failures) {
      expect(failure).toBeInstanceOf(Error);
      expect(String(failure)).not.toContain("s3cr");
    }
    expect(fakes[0]!.keys.at(0)).toBe(`Basic ${Buffer.from(`user:${secret}`).toString("base64")}`);
    expect(fakes[0]!.keys.at(-1)).toBe(`Bearer ${secret}`);
  });

  it("go to no other server that the first one points at", async () => {
    const { fakes, urls } = await startServers(2);
    await using encoder = await RemoteDenseEncoder.open(urls[0]!, { apiKey: "k", dimension: 3 });
    fakes[0]!.instead.push({ status: 307, body: "", headers: { location: `${urls[1]}/embed` } });
    await expect(encoder.encode("a")).rejects.toMatchObject({
      code: "REMOTE_REFUSED",
      message: expect.stringMatching(/307: a redirect, which is not followed/),
    });
    expect(fakes[1]!.bodies).toEqual([]);
  });

  it("trust a private authority that is given", async () => {
    const { urls } = await startServers(1);
    const front = await TlsFront.start(Number(new URL(urls[0]!).port), "right");
    try {
      const url = `https://localhost:${front.port}`;
      await expect(RemoteSparseEncoder.open(url, settings)).rejects.toMatchObject({
        code: "NETWORK",
        message: expect.stringMatching(/certificate.* tls: \{ ca \}/),
      });
      await using encoder = await RemoteSparseEncoder.open(url, { ...settings, tls: { ca: authority } });
      expect(rowsOf(await encoder.encode(texts.slice(0, 4)))).toEqual(expected.slice(0, 4));
    } finally {
      await front.stop();
    }
  });
});
