import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * A fake of text-embeddings-inference: its documented request and answer shapes, its limit of texts per request, and nothing
 * that this library adds. Weights are made up: dim 1 has the length of the text, dim 3 has 0.5.
 */
export class FakeInferenceServer {
  readonly bodies: { inputs: string[]; truncate?: boolean; prompt_name?: string }[] = [];
  readonly keys: (string | undefined)[] = [];
  /** Milliseconds before each answer. */
  delay = 0;
  /** The dim of the length: another model has another one. */
  lengthDim = 1;
  /** Most requests under way together so far. */
  mostRunning = 0;
  private running = 0;
  /** Answers in place of the usual ones, one per request. */
  readonly instead: {
    status?: number;
    body?: unknown;
    headers?: Record<string, string>;
    isHung?: boolean;
    isCut?: boolean;
  }[] = [];
  private readonly server: Server;

  constructor() {
    this.server = createServer(
      (request, response) =>
        void this.answer(request).then(({ status = 200, body, headers, isHung, isCut }) => {
          if (isHung) return;
          if (isCut) response.destroy();
          else
            response
              .writeHead(status, { "content-type": "application/json", ...headers })
              .end(typeof body === "string" ? body : JSON.stringify(body));
        }),
    );
  }

  /** @param port 0 for any that is free */
  async start(port = 0): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(port, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private async answer(request: IncomingMessage): Promise<FakeInferenceServer["instead"][number]> {
    if (request.url === "/info")
      return { body: { model_id: "fake", max_client_batch_size: 2, version: "1.9" } };
    let text = "";
    for await (const chunk of request.setEncoding("utf8")) text += chunk;
    const body = JSON.parse(text) as FakeInferenceServer["bodies"][number];
    this.bodies.push(body);
    this.keys.push(request.headers.authorization);
    this.mostRunning = Math.max(this.mostRunning, ++this.running);
    await new Promise((resolve) => setTimeout(resolve, this.delay));
    this.running--;
    const other = this.instead.shift();
    if (other !== undefined) return other;
    if (body.inputs.length > 2)
      return { status: 413, body: { error: "batch size > maximum", error_type: "Validation" } };
    if (request.url === "/embed") return { body: body.inputs.map(({ length }) => [length, 0, 1]) };
    return {
      body: body.inputs.map(({ length }) => [
        { index: 3, value: 0.5 },
        { index: this.lengthDim, value: length },
      ]),
    };
  }
}
