import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { blocksOf, type CodeBlock } from "./code-blocks.ts";
import { type RunningServices, startServices } from "./services.ts";
import { ShellFolder } from "./shell.ts";

const cache = mkdtempSync(path.join(tmpdir(), "pages-cache-"));
let services: RunningServices;
let shell: ShellFolder;

beforeAll(async () => {
  services = await startServices();
  shell = new ShellFolder({ HF_ENDPOINT: services.hub, HF_HOME: cache, XDG_CACHE_HOME: cache });
  await shell.run("sparse-encoder index docs --index ./index");
});
afterAll(async () => {
  shell.remove();
  rmSync(cache, { recursive: true, force: true });
  await services[Symbol.asyncDispose]();
});

/** Blocks of a page that run, in one language. */
const blocks = (page: string, language: string): CodeBlock[] =>
  blocksOf(page).filter((block) => block.language === language && block.notRun === undefined);

/** A shell with curl and signals is there on Linux and macOS. */
describe.skipIf(process.platform === "win32")("shell commands of the pages", () => {
  it("docs/command-line.md: each block does what it says", async () => {
    const [search, encode, evaluate, ...others] = blocks("docs/command-line.md", "sh");
    expect(others).toEqual([]);
    expect(await shell.runBlock(search!)).toContain("cancelled");
    await shell.runBlock(encode!);
    expect(await shell.run("gzip -dc vectors.jsonl.gz")).toContain('"indices"');
    const table = await shell.runBlock(evaluate!);
    for (const row of ["16 dims, rrf", "64 dims, distributionScore", "all"]) expect(table).toContain(row);
    expect(existsSync(path.join(shell.folder, "sweep.svg"))).toBe(true);
  }, 180_000);

  it("docs/command-line.md: the config file is taken", async () => {
    const [config] = blocks("docs/command-line.md", "json");
    writeFileSync(path.join(shell.folder, "sparse-encoder.config.json"), config!.code);
    try {
      await shell.run('sparse-encoder explain "cheap flights"');
      expect(services.requests().some((request) => request.includes("naver/splade-v3"))).toBe(true);
    } finally {
      rmSync(path.join(shell.folder, "sparse-encoder.config.json"));
    }
  });

  it("docs/server.md: the server answers, over HTTP and as a tool of agents", async () => {
    const [serve, compare, agents, ...others] = blocks("docs/server.md", "sh");
    expect(others).toEqual([]);
    const { port } = services;
    const inBackground = (command: string): [string, string] => [
      `${command}\n`,
      `${command} --port ${port} & server=$!
for attempt in $(seq 300); do curl --silent --fail --output ready http://127.0.0.1:${port}/ready && break; sleep 0.2; done\n`,
    ];
    const after = "kill $server\nwait $server";
    const served = await shell.runBlock(serve!, {
      replace: [inBackground("sparse-encoder serve --index ./index"), ["8080", String(port)]],
      after,
    });
    expect(JSON.parse(served)[0][0]).toHaveProperty("index");
    const compared = await shell.runBlock(compare!, {
      replace: [inBackground("sparse-encoder serve --beir data/cranfield --compare naver/splade-v3")],
      after: `curl --silent http://127.0.0.1:${port}/info\n${after}`,
    });
    expect(JSON.parse(compared).compared_model_ids).toEqual(["naver/splade-v3"]);
    // Without input, a session of MCP ends.
    await shell.runBlock(agents!);
    const [client] = blocks("docs/server.md", "json");
    const { documents } = JSON.parse(client!.code).mcpServers;
    const [, name, ...parameters] = documents.args as string[];
    expect(name).toBe("@sparse-encoder/cli");
    await shell.run(`sparse-encoder ${parameters.join(" ").replace("/path/to/index", "./index")}`);
  }, 120_000);

  it("packages/cli/README.md: the commands after the install run", async () => {
    const [block] = blocks("packages/cli/README.md", "sh");
    const printed = await shell.runBlock(block!, {
      replace: [
        ["ONNXRUNTIME_NODE_INSTALL=skip npm install --global @sparse-encoder/cli\n", ""],
        // The blocks of docs/server.md start the server, and end it.
        ["sparse-encoder serve ", "sparse-encoder serve --help "],
      ],
    });
    expect(printed).toContain("cancelled");
  });
});
