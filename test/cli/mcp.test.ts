import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { describe, expect, it } from "vitest";
import { binary, temporaryFolder } from "./run-cli.ts";
import { startServer } from "./running-server.ts";

/** Uses the tools as an agent would. */
async function expectTools(client: Client): Promise<void> {
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name)).toEqual(["search", "explain", "add"]);
  const call = async (name: string, parameters: Record<string, unknown>) => {
    const { content, isError } = await client.callTool({ name, arguments: parameters });
    const [part] = content as { type: string; text: string }[];
    return { isError: isError === true, text: part!.text };
  };
  const documents = [
    { id: "a", text: "Low-cost airlines fly to Italy.", title: "Travel" },
    { id: "b", text: "The recipe needs flour." },
  ];
  expect(JSON.parse((await call("add", { documents })).text)).toEqual({ stored: 2 });
  const hits = JSON.parse((await call("search", { query: "cheap flights", k: 1 })).text);
  expect(hits).toMatchObject([{ id: "a", metadata: { title: "Travel" }, arms: { sparse: { rank: 1 } } }]);
  const { score, terms } = JSON.parse(
    (await call("explain", { query: "flights", document: "airlines" })).text,
  );
  expect(terms[0].contribution).toBeLessThanOrEqual(score);
  expect((await call("search", { query: "" })).isError).toBe(true);
  expect((await call("add", { documents: [{ id: "a".repeat(2000), text: "x" }] })).isError).toBe(true);
}

const documentsOf = (count: number) =>
  Array.from({ length: count }, (_, number) => ({ id: `d${number}`, text: "a" }));

/** What an agent that was misled, or an attacker behind it, may send. Each is refused by name, as an error of the tool. */
const hostile: readonly [tool: string, parameters: Record<string, unknown>, message: RegExp][] = [
  ["search", {}, /query/],
  ["search", { query: 3 }, /query/],
  ["search", { query: "  " }, /empty/],
  ["search", { query: "a", k: 0 }, /k/],
  ["search", { query: "a", k: 1e9 }, /k/],
  ["search", { query: "a", k: "5; DROP TABLE" }, /k/],
  ["search", { query: ["a"] }, /query/],
  ["explain", { query: "a" }, /document/],
  ["explain", { query: "a", document: { $ne: 1 } }, /document/],
  ["add", { documents: [] }, /documents/],
  ["add", { documents: documentsOf(257) }, /documents/],
  ["add", { documents: [...documentsOf(1), ...documentsOf(1)] }, /same id/],
  ["add", { documents: [{ id: "\ud800", text: "a" }] }, /id/],
  ["add", { documents: [{ id: "x", text: 1 }] }, /text/],
  ["add", { documents: "../../etc/passwd" }, /documents/],
];

/** Sends what no client should, and looks whether the tools still work. */
async function expectRefusals(client: Client): Promise<void> {
  for (const [name, parameters, message] of hostile) {
    const { content, isError } = await client.callTool({ name, arguments: parameters });
    const { text } = content[0] as { text: string };
    expect([name, parameters, isError, text]).toEqual([
      name,
      parameters,
      true,
      expect.stringMatching(message),
    ]);
    // Neither a stack nor a path of the server.
    expect(text).not.toMatch(/\n\s+at |node_modules|dist\//);
  }
  await expect(client.callTool({ name: "__proto__", arguments: {} })).rejects.toThrow(/not found|disabled/i);
  const script = "\u001b[2J<script>alert(1)</script>";
  const documents = [{ id: script, text: `${script} penguins`, title: script }];
  expect((await client.callTool({ name: "add", arguments: { documents } })).isError).not.toBe(true);
  const { content } = await client.callTool({ name: "search", arguments: { query: "penguins", k: 1 } });
  const { text } = content[0] as { text: string };
  expect(JSON.parse(text)).toMatchObject([{ id: script, metadata: { title: script } }]);
}

describe("MCP, with the client of the official SDK,", () => {
  it("works over HTTP", async () => {
    await using server = await startServer([]);
    const client = new Client({ name: "test", version: "1.0.0" });
    await client.connect(new StreamableHTTPClientTransport(new URL(`${server.url}/mcp`)));
    await expectTools(client);
    await expectRefusals(client);
    await client.close();
  });

  it("works over standard input and output", async () => {
    using folder = temporaryFolder();
    const client = new Client({ name: "test", version: "1.0.0" });
    const parameters = [binary, "serve", "--mcp", "--index", folder.file("index")];
    await client.connect(
      new StdioClientTransport({ command: process.execPath, args: parameters, stderr: "ignore" }),
    );
    await expectTools(client);
    await expectRefusals(client);
    await client.close();
  });
});
