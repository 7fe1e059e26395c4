import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { mutatedBytes, mutatedJson, Random } from "./mutations.ts";

/** What the repository holds, if the server tells the truth. */
export const hubFiles: Readonly<Record<string, Buffer>> = {
  "config.json": Buffer.from('{"model_type": "bert"}'),
  "tokenizer.json": Buffer.from("{}"),
  "model.safetensors": Buffer.alloc(300_000, 7),
};

const commit = "a".repeat(40);

/** 150 MB in 150 kB. */
const bomb = gzipSync(Buffer.alloc(150_000_000, " "));

export function sha256Of(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

function gitHash(content: Buffer): string {
  return createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
}

/** Paths that lead out of a folder, or that are too long, or that a system reads in a way of its own. */
const hostilePaths = [
  "../../../evil.json",
  "1_X/../../../config.json",
  "/etc/config.json",
  "a\\..\\config.json",
  "C:config.json",
  "1_X/C:config.json",
  "config.json\0.json",
  "1_X//config.json",
  "1_X/./config.json",
  "config.json/",
  "config".repeat(40_000),
  `${"1_a".repeat(20_000)}/config.json`,
  `${"1_A/".repeat(5000)}config.json`,
  "x".repeat(300).concat("config.json"),
  "1_Ä/config.json",
  "config\u202ejson.json",
  "CON/config.json",
  "1_A",
  "1_A/config.json",
];

type Answer = (request: IncomingMessage, response: ServerResponse, url: URL) => void;

/** A server whose every answer may be hostile: what it does follows from the numbers that it is given. */
export class HostileHub {
  /** True if the last listing held the true files only, so that what was downloaded can be compared. */
  listsTruly = true;
  private readonly hub: Server;
  private readonly stranger: Server;
  private answers: Readonly<Record<"revision" | "tree" | "resolve", Answer>>;
  private readonly strangersHeard: string[] = [];
  private readonly timers = new Set<NodeJS.Timeout>();
  private random = new Random(0);

  private constructor() {
    this.answers = { revision: this.tellCommit, tree: this.tellFiles, resolve: this.sendFile };
    this.hub = createServer((request, response) => this.serve(request, response));
    this.stranger = createServer((request, response) => {
      this.strangersHeard.push(JSON.stringify(request.headers) + request.url);
      this.serve(request, response);
    });
    for (const server of [this.hub, this.stranger]) server.on("clientError", (_, socket) => socket.destroy());
  }

  static async start(): Promise<HostileHub> {
    const hub = new HostileHub();
    for (const server of [hub.hub, hub.stranger]) {
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      server.unref();
    }
    return hub;
  }

  get endpoint(): string {
    return originOf(this.hub);
  }

  /** Chooses what each route does until the next call. */
  behave(random: Random): void {
    this.random = random;
    this.listsTruly = true;
    this.strangersHeard.length = 0;
    const some = (honest: Answer, hostile: readonly Answer[]) =>
      random.oneIn(3) ? random.pick(hostile) : honest;
    this.answers = {
      revision: some(this.tellCommit, [...this.anyRoute, this.tellOddCommit]),
      tree: some(this.tellFiles, [...this.anyRoute, this.tellPages, this.tellOddFiles, this.tellHostilePath]),
      resolve: some(this.sendFile, [
        ...this.anyRoute,
        this.sendOddRange,
        this.sendOddLength,
        this.redirectWithOddEtag,
      ]),
    };
  }

  /** Ends what still answers. */
  rest(): void {
    for (const timer of this.timers) clearInterval(timer);
    this.timers.clear();
    this.hub.closeAllConnections();
    this.stranger.closeAllConnections();
  }

  toldToStrangers(token: string): boolean {
    return this.strangersHeard.some((heard) => heard.includes(token));
  }

  private serve(request: IncomingMessage, response: ServerResponse): void {
    request.on("error", () => {});
    response.on("error", () => {});
    const url = new URL(request.url ?? "/", "http://hub");
    const route = (["revision", "tree", "resolve"] as const).find((name) =>
      url.pathname.includes(`/${name}/`),
    );
    if (route === undefined) response.writeHead(404).end();
    else this.answers[route](request, response, url);
  }

  private readonly tellCommit: Answer = (_, response) => sendJson(response, { sha: commit });

  private readonly tellFiles: Answer = (_, response) => sendJson(response, listing());

  private readonly sendFile: Answer = (request, response, url) => {
    const content = hubFiles[decodeURIComponent(url.pathname.split("/").at(-1)!)] ?? Buffer.from("{}");
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const range = { "content-range": `bytes ${from}-${content.length - 1}/${content.length}` };
    response.writeHead(from > 0 ? 206 : 200, {
      "content-length": content.length - from,
      ...(from > 0 && range),
    });
    response.end(content.subarray(from));
  };

  private readonly tellOddCommit: Answer = (_, response) => {
    const sha = this.random.pick<unknown>([
      "../../x",
      null,
      7,
      commit.toUpperCase(),
      "",
      "x".repeat(1e6),
      [commit],
    ]);
    sendJson(response, this.random.oneIn(2) ? { sha } : `{"__proto__": {"sha": "${commit}"}}`);
  };

  /** A listing of many pages, or without an end. */
  private readonly tellPages: Answer = (_, response, url) => {
    const page = Number(url.searchParams.get("n") ?? 0);
    const entries = this.random.oneIn(2)
      ? []
      : Array.from({ length: 500 }, (__, n) => entryOf(`f${page}/${n}`));
    const origin = this.random.oneIn(5) ? originOf(this.stranger) : "";
    const next = `<${origin}${url.pathname}?n=${page + 1}>; rel="next"`;
    sendJson(response, page === 0 ? listing() : entries, { link: next });
  };

  private readonly tellOddFiles: Answer = (_, response) => {
    this.listsTruly = false;
    sendJson(response, mutatedJson(listing(), this.random));
  };

  private readonly tellHostilePath: Answer = (_, response) => {
    const paths = [this.random.pick(hostilePaths), this.random.pick(hostilePaths)];
    sendJson(response, [...listing(), ...paths.map(entryOf)]);
  };

  private readonly sendOddRange: Answer = (request, response, url) => {
    if (request.headers.range === undefined) return this.cut(request, response, url);
    const ranges = [
      "bytes 5-10/11",
      "bytes 0-0/0",
      "items 1-2/3",
      "bytes */300000",
      "bytes 99999999999999999999-1/2",
    ];
    response.writeHead(this.random.pick([200, 206, 416]), { "content-range": this.random.pick(ranges) });
    response.end("abcdef");
  };

  private readonly sendOddLength: Answer = (_, response) => {
    response.writeHead(200, this.random.pick([{}, { "content-length": 10 }, { "content-length": 300_001 }]));
    response.end(Buffer.alloc(10, 7));
    if (this.random.oneIn(2)) response.destroy();
  };

  private readonly redirectWithOddEtag: Answer = (_, response, url) => {
    response.writeHead(302, {
      location: originOf(this.stranger) + url.pathname,
      "x-linked-etag": this.random.pick([`"${"e".repeat(64)}"`, "../../x", "", '"'.repeat(1000)]),
      "x-linked-size": this.random.pick(["5", "-1", "1e9", "x", "99999999999999999999"]),
    });
    response.end();
  };

  private readonly cut: Answer = (_, response) => {
    response.writeHead(200, { "content-length": 300_000 });
    response.write(Buffer.alloc(1 + this.random.below(200_000), 7), () => response.destroy());
  };

  /** What a server may do to any request. */
  private readonly anyRoute: readonly Answer[] = [
    (_, response) => {
      const codes = [200, 204, 304, 400, 401, 403, 404, 416, 418, 429, 500, 503, 599];
      const waits = ["1000000000", "-5", "1e9", "0", "Fri, 31 Dec 9999 23:59:59 GMT", "x".repeat(5000)];
      response.writeHead(this.random.pick(codes), {
        "retry-after": this.random.pick(waits),
        "x-error-code": this.random.pick(["RepoNotFound", "RevisionNotFound", "GatedRepo", "x".repeat(5000)]),
        "x-error-message": this.random.pick(["no", "x".repeat(5000), "<script>"]),
      });
      response.end(this.random.pick(["", "x".repeat(100_000), "{"]));
    },
    (request, response) => {
      const token = request.headers.authorization ?? "";
      const targets = [
        `${request.url}x`,
        "file:///etc/passwd",
        'data:application/json,{"sha":"x"}',
        originOf(this.stranger) + request.url,
        originOf(this.stranger).replace("//", "//user:password@") + request.url,
        `/${token}/x?token=${token}`,
        "http://[::1",
        "x".repeat(8000),
        "",
      ];
      response.writeHead(this.random.pick([301, 302, 303, 307, 308]), {
        location: this.random.pick(targets),
      });
      response.end();
    },
    // Nothing at all, a drip, and a body without end.
    () => {},
    (_, response) => {
      response.writeHead(200, this.random.oneIn(2) ? { "content-length": 300_000 } : {});
      this.every(20, response, () => response.write("a"));
    },
    (_, response) => {
      response.writeHead(200);
      const block = Buffer.alloc(65_536, " ");
      this.every(1, response, () => response.writableLength < 10 * block.length && response.write(block));
    },
    (_, response) => {
      response.writeHead(200, { "content-encoding": "gzip" });
      response.end(bomb);
    },
    (_, response) => {
      const names = this.random.pick([
        ["gzip", "gzip"],
        ["br"],
        ["deflate"],
        ["x-unknown"],
        Array<string>(300).fill("gzip"),
      ]);
      response.writeHead(200, { "content-encoding": names.join(", ") });
      response.end(mutatedBytes(gzipSync('{"sha": "x"}'), this.random));
    },
    (_, response) => sendJson(response, "[".repeat(100_000)),
    (_, response) =>
      sendJson(response, this.random.pick(["null", "7", "[null]", '"x"', "{}", "\ufeff{}", "[[]]"])),
    (_, response) => {
      response.socket?.end("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdefgh");
    },
    (_, response) => {
      response.socket?.end(`HTTP/1.1 200 OK\r\n${"X-Y: z\r\n".repeat(3000)}\r\n`);
    },
    (_, response) => {
      response.socket?.end(
        `HTTP/1.1 ${this.random.pick(["101 Go", "99 x", "1000 x", "200"])}\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx`,
      );
    },
    (_, response) => response.destroy(),
  ];

  private every(milliseconds: number, response: ServerResponse, act: () => void): void {
    const timer = setInterval(act, milliseconds);
    this.timers.add(timer);
    response.on("close", () => clearInterval(timer));
  }
}

function originOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function entryOf(path: string): object {
  return { type: "file", path, size: 2, oid: gitHash(Buffer.from("{}")) };
}

function listing(): object[] {
  return Object.entries(hubFiles).map(([path, content]) => ({
    type: "file",
    path,
    size: content.length,
    oid: gitHash(content),
    ...(path.endsWith(".safetensors") && {
      lfs: { oid: sha256Of(content), size: content.length, pointerSize: 100 },
    }),
  }));
}

function sendJson(response: ServerResponse, value: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(200, { "content-type": "application/json", ...headers });
  response.end(typeof value === "string" ? value : JSON.stringify(value));
}
