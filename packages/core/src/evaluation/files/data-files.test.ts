import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readBeirFolder, readBeirQueries } from "./beir-folder.ts";
import { linesOf } from "./data-file.ts";
import { readQrels } from "./qrels.ts";
import { readTrecQrels, writeTrecQrels } from "./trec-qrels.ts";
import { readTrecRun, writeTrecRun } from "./trec-run.ts";

let root: string;
let folder: string;
let made = 0;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "data-files-"));
});
beforeEach(async () => {
  folder = join(root, String(made++));
  await mkdir(join(folder, "qrels"), { recursive: true });
});
afterAll(() => rm(root, { recursive: true }));

async function put(name: string, content: string | Uint8Array): Promise<string> {
  await writeFile(join(folder, name), content);
  return join(folder, name);
}

/** The error of a call, without the folder. */
async function failure(call: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error = await call.then(
    () => undefined,
    (thrown: Error & { code: string }) => thrown,
  );
  return { code: error?.code ?? "none", message: (error?.message ?? "").replaceAll(`${folder}/`, "") };
}

describe("linesOf", () => {
  const read = async (path: string) => {
    const lines: [number, string][] = [];
    for await (const { number, text } of linesOf(path)) lines.push([number, text]);
    return lines;
  };

  it("numbers lines from 1, passes over blank ones, and takes both line ends, a byte order mark and no last line end", async () => {
    const path = await put("a.txt", "\u{feff}one\r\n\n  \r\nfour \u{2028} still four\nfive");
    expect(await read(path)).toEqual([
      [1, "one"],
      [4, "four \u{2028} still four"],
      [5, "five"],
    ]);
    expect(await read(await put("empty.txt", ""))).toEqual([]);
  });

  it("joins characters and lines that the file's blocks cut apart", async () => {
    // Blocks are 64 KiB; a three-byte character never divides them evenly.
    const line = "€".repeat(50_000);
    const text = `${line}\n${line}\nend\n`;
    const expected = [
      [1, line],
      [2, line],
      [3, "end"],
    ];
    expect(await read(await put("long.txt", text))).toEqual(expected);
    expect(await read(await put("long.txt.gz", gzipSync(text)))).toEqual(expected);
  });

  it("reads a packed line of 60 MB in time that grows with its length", async () => {
    const line = "z".repeat(60_000_000);
    const lines = await read(await put("one-line.gz", gzipSync(`${line}\nend`)));
    expect(lines.map(([number, text]) => [number, text.length])).toEqual([
      [1, line.length],
      [2, 3],
    ]);
  });

  it("refuses a packed line that grows beyond any text", async () => {
    const zeros = gzipSync(Buffer.alloc(1 << 20, "z"), { level: 9 });
    // Parts of a packed file are unpacked one after the other.
    const path = await put("bomb.gz", Buffer.concat(Array.from({ length: 300 }, () => zeros)));
    const { code, message } = await failure(read(path));
    expect(code).toBe("DATA_INVALID");
    expect(message).toMatch(/bomb.gz after line 0: a line has more than 268435456 characters/);
  });

  it("says which file cannot be read", async () => {
    for (const [name, content] of [
      ["latin.txt", Buffer.from([0x61, 0x0a, 0xe9, 0x0a])],
      ["plain.txt.gz", "not packed"],
      ["cut.txt.gz", gzipSync("text\n".repeat(1000)).subarray(0, 30)],
    ] as const) {
      const { code, message } = await failure(read(await put(name, content)));
      expect(code, name).toBe("DATA_INVALID");
      expect(message).toContain(`Cannot read ${name}`);
    }
    expect((await failure(read(join(folder, "missing.txt")))).message).toContain("Cannot read missing.txt");
  });

  it("lets the file go when the loop is left", async () => {
    const path = await put("many.txt", "line\n".repeat(100_000));
    for await (const { number } of linesOf(path)) if (number === 2) break;
    await expect(rm(path)).resolves.toBeUndefined();
  });
});

describe("readQrels and readBeirQueries", () => {
  const judged = new Map([
    [
      "q 1",
      new Map([
        ["d1", 2],
        ["d2", 0],
      ]),
    ],
  ]);

  it.each([
    ["BEIR with a header", "query-id\tcorpus-id\tscore\nq 1\td1\t2\r\nq 1\td2\t0\n", judged],
    ["BEIR without a header", "\u{feff}q 1\td1\t2\n\nq 1\td2\t0", judged],
    ["TREC", "1 0 d1 2\n1\tQ0\td2\t0\n", new Map([["1", judged.get("q 1")]])],
    ["nothing", " \n", new Map()],
  ])("tells the layout by the first line: %s", async (_case, content, expected) => {
    expect(await readQrels({ name: "qrels", content })).toEqual(expected);
    expect(await readQrels(await put("qrels.any", content))).toEqual(expected);
  });

  it.each([
    ["one field", "hello", "qrels, line 1: expected query id, document id and grade between tabs, or"],
    [
      "another layout later",
      "q\td\t1\nq 0 e 1",
      "qrels, line 2: expected query id, document id and grade between",
    ],
    ["a grade that is a word", "q\td\t1\nq\te\tx", "qrels, line 2: the grade must be a whole number"],
  ])("names the line: %s", async (_case, content, message) => {
    const { code, message: found } = await failure(readQrels({ name: "qrels", content }));
    expect([code, found]).toEqual(["DATA_INVALID", expect.stringContaining(message)]);
  });

  it("refuses a layout that is not there", async () => {
    const layout = JSON.parse('"csv"');
    expect((await failure(readQrels({ name: "qrels", content: "" }, layout))).message).toBe(
      'readQrels: layout must be "beir" or "trec", received \'csv\'.',
    );
  });

  it("reads queries from contents", async () => {
    const content = '{"_id": "q1", "text": "one", "metadata": {}}\r\n{"_id": "q2", "text": ""}';
    expect(await readBeirQueries({ name: "queries", content })).toEqual([
      { id: "q1", text: "one" },
      { id: "q2", text: "" },
    ]);
    const { message } = await failure(
      readBeirQueries({ name: "queries", content: `${content}\n{"_id": 3}` }),
    );
    expect(message).toContain("queries, line 3: expected an object with strings _id and text");
  });
});

describe("readBeirFolder", () => {
  const corpus =
    '{"_id": "d1", "title": "A title", "text": "a text"}\n{"_id": "d2", "title": "", "text": "two"}\n{"_id": "d3", "text": ""}\n';
  const queries = '{"_id": "q1", "text": "one?"}\n';
  const qrels = "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\n";

  it("joins title and text, and reads packed and unpacked files alike", async () => {
    await put("corpus.jsonl.gz", gzipSync(corpus));
    await put("queries.jsonl", queries);
    await put("qrels/dev.tsv", qrels);
    expect(await readBeirFolder(folder, { split: "dev" })).toEqual({
      documents: [
        { id: "d1", title: "A title", text: "A title a text" },
        { id: "d2", title: "", text: "two" },
        { id: "d3", title: "", text: "" },
      ],
      queries: [{ id: "q1", text: "one?" }],
      judgements: new Map([
        [
          "q1",
          new Map([
            ["d1", 2],
            ["d2", 0],
          ]),
        ],
      ]),
    });
  });

  it("reads judgements without a header", async () => {
    await put("corpus.jsonl", corpus);
    await put("queries.jsonl", queries);
    await put("qrels/test.tsv", "q1\td1\t1\r\n");
    const { judgements } = await readBeirFolder(folder);
    expect(judgements).toEqual(new Map([["q1", new Map([["d1", 1]])]]));
  });

  it.each([
    [
      "corpus.jsonl",
      '{"_id": "d1", "text": "x"}\n{"_id": "d1", "text": "y"}',
      "corpus.jsonl, line 2: the _id 'd1' comes twice.",
    ],
    ["corpus.jsonl", '{"_id": "d1", "text": "x"}\n\n{"_id": ', "corpus.jsonl, line 3: not valid JSON"],
    [
      "corpus.jsonl",
      "null",
      "corpus.jsonl, line 1: expected an object with strings _id and text, received null.",
    ],
    [
      "corpus.jsonl",
      '{"_id": 1, "text": "x"}',
      "corpus.jsonl, line 1: expected an object with strings _id and text",
    ],
    [
      "corpus.jsonl",
      '{"_id": "1", "text": "x", "title": 3}',
      "corpus.jsonl, line 1: the title must be a string",
    ],
    ["queries.jsonl", '{"_id": "q1"}', "queries.jsonl, line 1: expected an object with strings _id and text"],
    [
      "qrels/test.tsv",
      "query-id\tcorpus-id\tscore\nq1\td1\thigh",
      "qrels/test.tsv, line 2: the grade must be a whole number, received 'high'.",
    ],
    [
      "qrels/test.tsv",
      "q1\td1\thigh",
      "qrels/test.tsv, line 1: the grade must be a whole number, received 'high'.",
    ],
    [
      "qrels/test.tsv",
      "q1 d1 1",
      "qrels/test.tsv, line 1: expected query id, document id and grade between tabs",
    ],
    [
      "qrels/test.tsv",
      "q1\td1\t1\nq1\td1\t2",
      "qrels/test.tsv, line 2: document 'd1' is judged twice for query 'q1'.",
    ],
  ])("names file and line of a bad line in %s: %j", async (name, content, expected) => {
    await put("corpus.jsonl", corpus);
    await put("queries.jsonl", queries);
    await put("qrels/test.tsv", qrels);
    await put(name, content);
    const { code, message } = await failure(readBeirFolder(folder));
    expect(code).toBe("DATA_INVALID");
    expect(message).toContain(expected);
  });

  it("names a file that is missing", async () => {
    await put("corpus.jsonl", corpus);
    await put("queries.jsonl", queries);
    expect(await failure(readBeirFolder(folder))).toEqual({
      code: "DATA_INVALID",
      message: "There is no file qrels/test.tsv or qrels/test.tsv.gz.",
    });
    expect((await failure(readBeirFolder("", {}))).code).toBe("INVALID_ARGUMENT");
    expect((await failure(readBeirFolder(folder, { part: "dev" } as never))).code).toBe("UNKNOWN_OPTION");
  });
});

describe("TREC judgements", () => {
  it("come back as they were written", async () => {
    const judgements = new Map([
      ["q1", new Map([["d1", 2]])],
      [
        "q2",
        new Map([
          ["d-1", -1],
          ["é", 0],
        ]),
      ],
    ]);
    const path = join(folder, "qrels.txt");
    await writeTrecQrels(path, judgements);
    expect(await readTrecQrels(path)).toEqual(judgements);
  });

  it("may be separated by tabs and several blanks", async () => {
    expect(await readTrecQrels(await put("qrels.txt", "  1\t0   184 3\n"))).toEqual(
      new Map([["1", new Map([["184", 3]])]]),
    );
  });

  it.each([
    ["1 0 184", "qrels.txt, line 1: expected \"query 0 document grade\", received '1 0 184'."],
    ["1 0 184 3\n1 0 29 x", "qrels.txt, line 2: the grade must be a whole number, received 'x'."],
    ["1 0 184 0.5", "qrels.txt, line 1: the grade must be a whole number, received '0.5'."],
    ["1 0 184 3\n1 0 184 2", "qrels.txt, line 2: document '184' is judged twice for query '1'."],
  ])("name the line that is bad: %j", async (content, message) => {
    expect(await failure(readTrecQrels(await put("qrels.txt", content)))).toEqual({
      code: "DATA_INVALID",
      message,
    });
  });

  it("refuse to write what would read back as something else", async () => {
    const path = join(folder, "qrels.txt");
    for (const judgements of [
      new Map([["a b", new Map([["d", 1]])]]),
      new Map([["a", new Map([["", 1]])]]),
      new Map([["a", new Map([["d", 0.5]])]]),
    ]) {
      expect((await failure(writeTrecQrels(path, judgements))).code).toBe("INVALID_ARGUMENT");
    }
  });
});

describe("TREC runs", () => {
  it("come back as they were written, scores to the last digit, equal ones by rank", async () => {
    const run = new Map([
      [
        "q2",
        [
          { id: "b", score: Math.fround(25.374922) },
          { id: "z", score: 1e-7 },
          { id: "a", score: 1e-7 },
        ],
      ],
      ["q1", [{ id: "b", score: -1 }]],
    ]);
    const path = join(folder, "run.txt");
    await writeTrecRun(path, run, { tag: "splade" });
    const again = await readTrecRun(path);
    expect(again).toEqual(run);
    expect([...again.keys()]).toEqual(["q2", "q1"]);
  });

  it("are ranked by score, whatever the ranks and the order of lines", async () => {
    const path = await put("run.txt", "1 Q0 low 1 0.5 tag\n2 Q0 x 1 3 tag\n1 Q0 high 2 7e1 tag\n");
    expect(await readTrecRun(path)).toEqual(
      new Map([
        [
          "1",
          [
            { id: "high", score: 70 },
            { id: "low", score: 0.5 },
          ],
        ],
        ["2", [{ id: "x", score: 3 }]],
      ]),
    );
  });

  it.each([
    [
      "1 Q0 d 1 0.5",
      "run.txt, line 1: expected \"query Q0 document rank score tag\", received '1 Q0 d 1 0.5'.",
    ],
    ["1 Q0 d 1 0.5 t\n1 Q0 e 2 high t", "run.txt, line 2: the score must be a number, received 'high'."],
    ["1 Q0 d 1 NaN t", "run.txt, line 1: the score must be a number, received 'NaN'."],
    ["1 Q0 d first 1 t", "run.txt, line 1: the rank must be a whole number, received 'first'."],
    ["1 Q0 d 1 2 t\n1 Q0 d 2 1 t", "run.txt, line 2: document 'd' comes twice for query '1'."],
  ])("name the line that is bad: %j", async (content, message) => {
    expect(await failure(readTrecRun(await put("run.txt", content)))).toEqual({
      code: "DATA_INVALID",
      message,
    });
  });

  it("refuse to write what would read back as something else", async () => {
    const path = join(folder, "run.txt");
    for (const hits of [
      [
        { id: "a", score: 1 },
        { id: "b", score: 2 },
      ],
      [{ id: "a b", score: 1 }],
      [{ id: "a", score: Number.NaN }],
    ]) {
      expect((await failure(writeTrecRun(path, new Map([["q", hits]])))).code).toBe("INVALID_ARGUMENT");
    }
    expect((await failure(writeTrecRun(path, new Map(), { tag: "a b" }))).code).toBe("INVALID_ARGUMENT");
  });
});
