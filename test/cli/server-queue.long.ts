import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { describe, expect, it } from "vitest";
import { startServer } from "./running-server.ts";

/** Requests at once, and the connections that they come over. */
const requests = 10_000;
const connections = 1000;

describe("a server that 10,000 requests meet at once", () => {
  it("answers some, tells the others to come later, and keeps its memory", async () => {
    await using server = await startServer(["--max-queue", "256", "--max-requests", "512"]);
    const agent = new Agent({ keepAlive: true, maxSockets: connections });
    const body = JSON.stringify({ inputs: "the boundary layer of a wing" });
    const ask = () =>
      new Promise<string>((resolve) => {
        const sent = request(
          `${server.url}/embed_sparse`,
          { method: "POST", agent, headers: { "content-type": "application/json" } },
          (response) => {
            response
              .resume()
              .on("end", () =>
                resolve(`${response.statusCode} ${response.headers["retry-after"] ?? ""}`.trim()),
              );
          },
        );
        sent.on("error", (error) => resolve(error.message));
        sent.end(body);
      });
    await ask();
    const before = residentMegabytes(server.pid);
    const answers = await Promise.all(Array.from({ length: requests }, ask));
    const after = residentMegabytes(server.pid);
    agent.destroy();
    expect([...new Set(answers)].sort()).toEqual(["200", "429 1"]);
    expect(after - before).toBeLessThan(400);
    expect((await server.ask("/embed_sparse", { inputs: "a" })).status).toBe(200);
    expect(await server.stop()).toBe(0);
  });
});

/** Memory of a process; 0 where the system does not tell. */
function residentMegabytes(process: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${process}/status`, "utf8"))?.[1]) / 1000;
  } catch {
    return 0;
  }
}
