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

describe("MCP, with the client of the official SDK,", () => {
  it("works over HTTP", async () => {
    await using server = await startServer([]);
    const client = new Client({ name: "test", version: "1.0.0" });
    await client.connect(new StreamableHTTPClientTransport(new URL(`${server.url}/mcp`)));
    await expectTools(client);
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
    await client.close();
  });
});
