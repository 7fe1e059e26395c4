import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { readTrecRun } from "@sparse-encoder/core/evaluation";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli, temporaryFolder } from "./run-cli.ts";

const folder = temporaryFolder();
const commands = [
  "index",
  "search",
  "explain",
  "encode",
  "evaluate",
  "serve",
  "download",
  "cache",
  "quantize",
  "info",
  "repair",
  "doctor",
  "completion",
];

beforeAll(() => {
  mkdirSync(folder.file("beir/qrels"), { recursive: true });
  const corpus = ["apples grow on trees", "trains run on rails", "ships sail"];
  const lines = corpus.map((text, place) => JSON.stringify({ _id: `d${place + 1}`, title: "", text }));
  writeFileSync(folder.file("beir/corpus.jsonl"), lines.join("\n"));
  writeFileSync(
    folder.file("beir/queries.jsonl"),
    '{"_id":"q1","text":"apples"}\n{"_id":"q2","text":"trains"}\n',
  );
  writeFileSync(folder.file("beir/qrels/test.tsv"), "query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td3\t1\n");
  writeFileSync(folder.file("qrels.txt"), "q1 0 d1 1\nq2 0 d3 1\n");
  writeFileSync(folder.file("old.trec"), "q1 Q0 d2 1 2 old\nq1 Q0 d1 2 1 old\nq2 Q0 d3 1 1 old\n");
});

afterAll(() => folder[Symbol.dispose]());

const run = (...parameters: readonly string[]) => runCli(parameters, { cwd: folder.path });

describe("help", () => {
  it("names all commands, and each has options and examples", async () => {
    const { stdout, code } = await run("--help");
    expect(code).toBe(0);
    for (const command of commands) expect(stdout).toContain(`\n  ${command} `);
    const helps = await Promise.all(commands.map((command) => run(command, "--help")));
    for (const help of helps)
      expect(help).toMatchObject({ code: 0, stderr: "", stdout: expect.stringContaining("Examples:\n  ") });
  });

  it.each([
    ["an unknown command", ["indx"], "Did you mean index?"],
    ["a command that lacks an argument", ["search"], "missing required argument 'query'"],
    ["too many arguments", ["search", "a", "b"], "too many arguments"],
    ["a shell that is none", ["completion", "tcsh"], "Allowed: bash, zsh, fish."],
  ])("answers %s", async (_case, parameters, message) => {
    expect(await run(...parameters)).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringContaining(message),
    });
  });

  it("is shown where no command is named", async () => {
    const { code, stderr } = await run();
    expect([code, stderr]).toEqual([2, expect.stringContaining("Usage: sparse-encoder")]);
  });
});

describe("the config file", () => {
  const config = (content: string) => writeFileSync(folder.file("sparse-encoder.config.json"), content);

  it("sets options that are not given", async () => {
    config('{"maxActiveDims": 3, "explain": {"json": true}}');
    const { stdout } = await run("explain", "cheap flights");
    expect(JSON.parse(stdout).activeDims).toBe(3);
    const given = await run("explain", "cheap flights", "--max-active-dims", "2");
    expect(JSON.parse(given.stdout).activeDims).toBe(2);
  });

  it.each([
    ["broken JSON", "{", "is not JSON"],
    ["no object", "[]", "must hold a JSON object"],
    ["an unknown name", '{"modle": "a"}', 'there is no command and no option "modle"'],
    ["an unknown option of a command", '{"search": {"plot": "a"}}', 'search has no option "plot"'],
    ["a wrong value", '{"explain": {"terms": 0}}', "terms is 0. Expected a whole number"],
    ["a flag that is none", '{"explain": {"json": "yes"}}', "json is true or false"],
  ])("is refused for %s", async (_case, content, message) => {
    config(content);
    expect(await run("explain", "a")).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
  });

  it("is refused where it was named and is not there", async () => {
    writeFileSync(folder.file("sparse-encoder.config.json"), "{}");
    expect(await run("--config", "none.json", "explain", "a")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("none.json cannot be read"),
    });
  });
});

describe("completion", () => {
  it("completes commands and options in bash", async () => {
    writeFileSync(folder.file("completion.bash"), (await run("completion", "bash")).stdout);
    const complete = (words: string, place: number) =>
      execFileSync(
        "bash",
        [
          "-c",
          `source completion.bash; COMP_WORDS=(${words}); COMP_CWORD=${place}; _sparse_encoder; echo "\${COMPREPLY[@]}"`,
        ],
        { cwd: folder.path },
      )
        .toString()
        .trim();
    expect(complete("sparse-encoder e", 1)).toBe("explain encode evaluate");
    expect(complete("sparse-encoder encode --sh", 2)).toBe("--shard");
    expect(complete("sparse-encoder encode te", 2)).toBe("");
  });

  it("writes scripts for zsh and fish", async () => {
    expect((await run("completion", "zsh")).stdout).toContain("bashcompinit");
    expect((await run("completion", "fish")).stdout).toMatch(
      /^complete -c sparse-encoder .* -a index -d 'index folders of documents'$/m,
    );
  });
});

describe("evaluate", () => {
  it("measures a collection, as worked by hand", async () => {
    // q1 finds d1, which is relevant: 1. q2 finds d2, which is not: 0.
    const { code, stdout, stderr } = await run(
      "evaluate",
      "beir",
      "--arms",
      "keyword",
      "--json",
      "-o",
      "best.trec",
    );
    expect([code, stderr]).toEqual([0, ""]);
    const { trials } = JSON.parse(stdout);
    expect(trials).toHaveLength(1);
    expect(trials[0].metrics).toMatchObject({ "ndcg@10": 0.5, "mrr@10": 0.5, "accuracy@1": 0.5 });
    const best = await readTrecRun(folder.file("best.trec"));
    expect([...best].map(([query, hits]) => [query, hits.map(({ id }) => id)])).toEqual([
      ["q1", ["d1"]],
      ["q2", ["d2"]],
    ]);
  });

  it("tries all combinations, and draws them", async () => {
    const parameters = [
      "--dims",
      "1,all",
      "--fusion",
      "rrf,max",
      "--weights",
      "sparse=1",
      "--weights",
      "sparse=0",
      "--plot",
      "sweep.svg",
    ];
    const { code, stdout } = await run("evaluate", "beir", ...parameters);
    expect(code).toBe(0);
    const lines = stdout.trim().split("\n");
    expect(lines).toHaveLength(1 + 8 + 1);
    expect(lines[1]).toMatch(/^1 dims, rrf, sparse=1 +\d\.\d{4}/);
    expect(lines.at(-1)).toMatch(/^Best: /);
    const svg = readFileSync(folder.file("sweep.svg"), "utf8");
    expect(svg.match(/<circle[^>]*><title>/g)).toHaveLength(8);
    expect(svg).not.toMatch(/NaN|Infinity|<script/);
  });

  it("measures a run and compares it with another one", async () => {
    writeFileSync(folder.file("new.trec"), "q1 Q0 d1 1 2 new\nq2 Q0 d3 1 1 new\n");
    const { stdout } = await run(
      "evaluate",
      "--run",
      "new.trec",
      "--qrels",
      "qrels.txt",
      "--baseline",
      "old.trec",
      "--json",
    );
    const { metrics, comparison } = JSON.parse(stdout);
    expect(metrics["ndcg@10"]).toBe(1);
    // q1 of the old run has its document at rank 2: 1 / log2(3). q2 is alike. Half of the four sign changes, each twice.
    expect(comparison).toMatchObject({ pairs: 2, isExact: true, pValue: 1 });
    expect(comparison.difference).toBeCloseTo((1 - 1 / Math.log2(3)) / 2, 10);
  });

  it.each([
    ["nothing to measure", ["evaluate"], 2, "Name the folder of a BEIR collection"],
    ["a folder that is none", ["evaluate", "none"], 1, "[DATA_INVALID]"],
    ["dense without a model", ["evaluate", "beir", "--arms", "dense"], 2, "needs --dense"],
    ["an arm that is none", ["evaluate", "beir", "--arms", "sprase"], 2, "Allowed: sparse, keyword, dense"],
    [
      "a run that is broken",
      ["evaluate", "--run", "qrels.txt", "--qrels", "qrels.txt"],
      1,
      "qrels.txt, line 1",
    ],
  ])("tells about %s", async (_case, parameters, code, message) => {
    expect(await run(...parameters)).toMatchObject({ code, stderr: expect.stringContaining(message) });
  });
});

describe("commands on models and the machine", () => {
  it("info shows what a model is", async () => {
    expect(JSON.parse((await run("info", "--json")).stdout)).toMatchObject({
      family: "bert",
      dimension: 30522,
      dtype: "fp32",
    });
    expect((await run("info")).stdout).toMatch(/^modules +Transformer, SpladePooling$/m);
  });

  it("quantize makes int8 weights that are near", async () => {
    const { stdout } = await run("quantize", "--json", "--cache-dir", folder.file("cache"));
    const { fp32Bytes, int8Bytes, leastCosine } = JSON.parse(stdout);
    expect(int8Bytes).toBeLessThan(fp32Bytes / 3);
    expect(leastCosine).toBeGreaterThan(0.98);
  });

  it("download copies a model that loads", async () => {
    const model = (await run("info", "--json")).stdout;
    const result = await run("download", JSON.parse(model).folder, "-o", "copy");
    expect(result).toMatchObject({ code: 0, stdout: "copy\n" });
    expect((await run("info", "./copy")).code).toBe(0);
    expect(await run("download", JSON.parse(model).folder, "-o", "copy")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("cannot be copied to copy: it is there already"),
    });
    expect(await run("download", "nobody/nothing", "--offline")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("[HUB_OFFLINE]"),
    });
  });

  it("cache lists models and deletes one", async () => {
    cpSync(new URL("../fixtures/hub-cache", import.meta.url), folder.file("hub"), {
      recursive: true,
      verbatimSymlinks: true,
    });
    const [list, remove] = ["list", "delete"].map(
      (action) =>
        (...parameters: readonly string[]) =>
          run("cache", action, ...parameters, "--cache-dir", "hub"),
    );
    const listed = await list!();
    expect(listed.code).toBe(0);
    expect(listed.stdout).toMatch(/^model +revision +MB +files +last used/);
    expect(listed.stdout).toMatch(/^organization\/file-by-file +v1\.0, 22222222 +0\.0 +\d/m);
    expect(listed.stdout).toMatch(/^organization\/whole +main, 11111111 +0\.0 +\d/m);
    expect(JSON.parse((await list!("--json")).stdout)).toMatchObject([
      { name: "organization/file-by-file", revisions: ["v1.0"], complete: true },
      { name: "organization/whole", revisions: ["main"], complete: true },
    ]);
    expect(await remove!("organization/whole")).toMatchObject({ code: 0, stdout: "0.0 MB are free now.\n" });
    expect(await remove!("organization/whole")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no model "organization/whole", but organization/file-by-file.'),
    });
    expect((await list!()).stdout).not.toContain("whole");
    for (const wrong of [await remove!(), await list!("a/b"), await run("cache", "clear")])
      expect(wrong.code).toBe(2);
  });

  it("doctor finds what is there, and says how to get the rest", async () => {
    const { code, stdout } = await run("doctor", "--json");
    const checks = JSON.parse(stdout) as { name: string; state: string; found: string }[];
    expect(code).toBe(0);
    expect(checks.filter(({ state }) => state === "failed")).toEqual([]);
    expect(checks.find(({ name }) => name === "devices")!.found).toContain("cpu");
    const broken = await runCli(["doctor"], { cwd: folder.path, env: { HF_HUB_CACHE: "/proc/none" } });
    expect(broken).toMatchObject({
      code: 1,
      stdout: expect.stringContaining("set HF_HUB_CACHE to a folder that can"),
    });
  });
});
