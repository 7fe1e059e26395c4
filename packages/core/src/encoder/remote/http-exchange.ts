import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { RemoteTlsOptions } from "./remote-options.ts";

/** Most bytes of an answer: a broken server must not take all memory. A thousand dense texts of 4,096 dims have some 50 MB. */
const longestAnswer = 256 << 20;

/** Milliseconds for which a connection that nobody uses stays open: less than servers keep theirs. */
const idleTime = 4000;

/** An answer, read to its end. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** The connections to one server. Redirects are answers as any other: a key goes to the server that was named only. */
export class HttpExchange {
  private readonly agent: HttpAgent;
  private readonly begin: typeof httpRequest;

  constructor({ protocol }: URL, tls: RemoteTlsOptions = {}) {
    const isSecure = protocol === "https:";
    const shared = { keepAlive: true, timeout: idleTime };
    this.agent = isSecure ? new HttpsAgent({ ...tls, ...shared }) : new HttpAgent(shared);
    this.begin = isSecure ? httpsRequest : httpRequest;
  }

  /** @throws errors of Node's sockets; the reason of the signal */
  async send(
    address: URL,
    headers: Readonly<Record<string, string>>,
    body: string | undefined,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const method = body === undefined ? "GET" : "POST";
      const length = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
      const sent = this.begin(address, {
        method,
        agent: this.agent,
        headers: { ...headers, ...length },
        signal,
      });
      sent.on("error", reject);
      // The agent's limit is for connections that nobody uses; the caller has a limit for answers.
      sent.setTimeout(0);
      sent.on("response", (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes <= longestAnswer) chunks.push(chunk);
          else response.destroy(new Error(`the answer has more than ${longestAnswer} bytes`));
        });
        response.on("error", reject);
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString("utf8"),
          }),
        );
      });
      sent.end(body);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}
