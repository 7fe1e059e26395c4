import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer, type ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";

/** A repository of the fake hub: file contents by path, at one commit. */
export interface FakeRepository {
  readonly name: string;
  readonly commit: string;
  readonly files: Readonly<Record<string, Buffer>>;
  /** Paths stored as large files: served by the second server, named by SHA-256. */
  readonly large?: readonly string[];
  /** Other names of the commit; `main` is always one. */
  readonly revisions?: readonly string[];
  /** Answers 401 to requests without this token. */
  readonly token?: string;
  /** The listing is public, the files are refused: 401 without a token, 403 with one. */
  readonly gated?: boolean;
  /** Fields put in place of the true ones in the listing, by path. */
  readonly listed?: Readonly<Record<string, object>>;
  /** Headers put in place of the true ones in the redirects of large files. */
  readonly linked?: Readonly<Record<string, string>>;
}

/** What goes wrong with a request. */
export interface Fault {
  /** Answer with this status instead. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Serve this body as if it were the file. */
  readonly content?: Buffer;
  /** Announce the whole body, drop the connection after this many bytes of it. */
  readonly cutAfter?: number;
  /** End the answer properly after this many bytes of the body, without announcing a length. */
  readonly endAfter?: number;
  /** Send this many bytes of the body, then nothing until {@link FakeHub.resume} or the end. */
  readonly pauseAfter?: number;
  /** Send one byte of the body every few milliseconds, for as long as somebody takes them. */
  readonly drip?: boolean;
  /** Answer 200 with the whole body to a range request. */
  readonly ignoreRange?: boolean;
  /** Drop the connection before any answer. */
  readonly drop?: boolean;
  /** Compress nothing, but say so and send no length, as proxies do. */
  readonly withoutLength?: boolean;
}

/** A hub that is reached by names, with TLS. */
export interface SecureHub {
  /** Key and certificate. */
  readonly identity: Pick<ServerOptions, "key" | "cert">;
  /** Origins of hub and storage, such as `https://hub.example`. */
  readonly hub: string;
  readonly storage: string;
}

export interface RecordedRequest {
  readonly server: "hub" | "storage";
  readonly method: string;
  /** Path without the query. */
  readonly path: string;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
  status: number;
}

/**
 * A local server that speaks the routes of the Hugging Face hub which downloads need, with a second server on
 * another origin for large files, as the hub has. A fake: headers and routes follow the hub's public behaviour.
 */
export class FakeHub implements AsyncDisposable {
  readonly requests: RecordedRequest[] = [];
  /** Entries of a listing page. */
  pageSize = 1000;
  /** True: each page of a listing names a next one. */
  endlessPages = false;
  private readonly repositories = new Map<string, FakeRepository>();
  private readonly faults: { path: RegExp; fault: Fault }[] = [];
  private readonly paused = new Set<() => void>();
  private readonly hub: Server;
  private readonly storage: Server;
  private readonly secure: SecureHub | undefined;

  private constructor(secure: SecureHub | undefined) {
    this.secure = secure;
    const create = (serve: (request: IncomingMessage, response: ServerResponse) => void) =>
      secure === undefined ? createServer(serve) : createSecureServer(secure.identity, serve);
    this.hub = create((request, response) => this.serveHub(request, response));
    this.storage = create((request, response) => this.serveStorage(request, response));
  }

  static async start(...repositories: FakeRepository[]): Promise<FakeHub> {
    return FakeHub.listen(undefined, repositories);
  }

  static async startSecure(secure: SecureHub, ...repositories: FakeRepository[]): Promise<FakeHub> {
    return FakeHub.listen(secure, repositories);
  }

  private static async listen(
    secure: SecureHub | undefined,
    repositories: readonly FakeRepository[],
  ): Promise<FakeHub> {
    const fake = new FakeHub(secure);
    for (const repository of repositories) fake.add(repository);
    await Promise.all(
      [fake.hub, fake.storage].map(
        (server) => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)),
      ),
    );
    return fake;
  }

  add(repository: FakeRepository): void {
    this.repositories.set(repository.name, repository);
  }

  get endpoint(): string {
    return this.secure?.hub ?? `http://127.0.0.1:${this.ports.hub}`;
  }

  get storageOrigin(): string {
    return this.secure?.storage ?? `http://127.0.0.1:${this.ports.storage}`;
  }

  /** Ports of this machine that the two servers listen on. */
  get ports(): { readonly hub: number; readonly storage: number } {
    const [hub, storage] = [this.hub, this.storage].map((server) => server.address() as AddressInfo);
    return { hub: hub!.port, storage: storage!.port };
  }

  /** Applies each fault to one request whose path matches, in order; `GET` requests only. */
  fail(path: RegExp, ...faults: Fault[]): void {
    for (const fault of faults) this.faults.push({ path, fault });
  }

  /** Forgets the faults that have not happened yet. */
  heal(): void {
    this.faults.length = 0;
  }

  /** Requests of file contents whose answer began: a well-behaved client makes one per blob. */
  bodies(path: RegExp = /./): RecordedRequest[] {
    return this.requests.filter(
      ({ server, method, path: requested, status }) =>
        method === "GET" &&
        path.test(requested) &&
        (status === 200 || status === 206) &&
        (server === "storage" || requested.includes("/resolve/")),
    );
  }

  /** Lets paused answers go on. */
  resume(): void {
    for (const go of this.paused) go();
    this.paused.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of [this.hub, this.storage]) {
      server.closeAllConnections();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    }
  }

  private record(server: "hub" | "storage", request: IncomingMessage, url: URL): RecordedRequest {
    const entry: RecordedRequest = {
      server,
      method: request.method ?? "",
      path: decodeURIComponent(url.pathname),
      authorization: request.headers.authorization,
      range: request.headers.range,
      status: 0,
    };
    this.requests.push(entry);
    return entry;
  }

  private takeFault(entry: RecordedRequest): Fault {
    if (entry.method !== "GET") return {};
    const found = this.faults.findIndex(({ path }) => path.test(`${entry.server}:${entry.path}`));
    return found < 0 ? {} : this.faults.splice(found, 1)[0]!.fault;
  }

  private serveHub(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? "/", this.endpoint);
    const entry = this.record("hub", request, url);
    response.on("finish", () => {
      entry.status = response.statusCode;
    });
    const fault = this.takeFault(entry);
    if (this.refuse(response, fault)) return;
    try {
      this.route(url, entry, request, response, fault);
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      const headers: Record<string, string> = { "X-Error-Message": refusal.message };
      if (refusal.code !== undefined) headers["X-Error-Code"] = refusal.code;
      response.writeHead(refusal.status, { "Content-Type": "application/json", ...headers });
      response.end(JSON.stringify({ error: refusal.message }));
    }
  }

  private route(
    url: URL,
    { authorization }: RecordedRequest,
    request: IncomingMessage,
    response: ServerResponse,
    fault: Fault,
  ): void {
    const [, name, route, quotedRevision = "", path = ""] =
      /^\/api\/models\/(.+?)\/(revision|tree|paths-info)\/([^/]+)/.exec(url.pathname) ??
      /^\/(.+?)\/(resolve)\/([^/]+)\/(.+)$/.exec(url.pathname) ??
      [];
    const repository = this.repositories.get(name ?? "");
    if (repository === undefined && authorization !== undefined) {
      throw new Refusal(404, "RepoNotFound", "Repository not found");
    }
    // The hub does not tell strangers which repositories exist.
    const allowed = repository?.token === undefined || authorization === `Bearer ${repository.token}`;
    if (repository === undefined || !allowed) {
      throw new Refusal(401, undefined, "Invalid username or password.");
    }
    const revision = decodeURIComponent(quotedRevision);
    if (!["main", repository.commit, ...(repository.revisions ?? [])].includes(revision)) {
      throw new Refusal(404, "RevisionNotFound", `Invalid rev id: ${revision}`);
    }
    if (route === "revision") sendJson(response, describe(repository));
    else if (route === "tree") this.serveListing(repository, url, response);
    else if (route === "paths-info") void this.servePaths(repository, request, response);
    else this.serveFile(repository, decodeURIComponent(path), request, response, fault);
  }

  private serveListing(repository: FakeRepository, url: URL, response: ServerResponse): void {
    const entries = listing(repository);
    const start = Number(url.searchParams.get("cursor") ?? 0);
    const end = start + this.pageSize;
    const headers: Record<string, string> = {};
    if (end < entries.length || this.endlessPages) {
      const next = new URL(url);
      next.searchParams.set("cursor", String(end));
      headers.Link = `<${next.href}>; rel="next"`;
    }
    sendJson(response, entries.slice(start, end), headers);
  }

  private async servePaths(
    repository: FakeRepository,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { paths } = JSON.parse(Buffer.concat(chunks).toString()) as { paths: string[] };
    sendJson(
      response,
      listing(repository).filter(({ path }) => paths.includes(path)),
    );
  }

  private serveFile(
    repository: FakeRepository,
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
    fault: Fault,
  ): void {
    const content = Object.hasOwn(repository.files, path) ? repository.files[path] : undefined;
    response.setHeader("X-Repo-Commit", repository.commit);
    if (content === undefined) throw new Refusal(404, "EntryNotFound", "Entry not found");
    if (repository.gated) {
      const status = request.headers.authorization === undefined ? 401 : 403;
      throw new Refusal(status, "GatedRepo", `Access to model ${repository.name} is restricted.`);
    }
    if (!repository.large?.includes(path)) {
      response.setHeader("ETag", `"${gitHash(content)}"`);
      this.sendBody(content, request, response, fault);
      return;
    }
    const digest = createHash("sha256").update(content).digest("hex");
    response.setHeader("X-Linked-ETag", `"${digest}"`);
    response.setHeader("X-Linked-Size", String(content.length));
    const signature = "Policy=c2VjcmV0&Signature=storage-signature";
    response.writeHead(302, {
      Location: `${this.storageOrigin}/${repository.name}/${digest}?${signature}`,
      ...repository.linked,
    });
    response.end("Found. Redirecting");
  }

  private serveStorage(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? "/", this.storageOrigin);
    const entry = this.record("storage", request, url);
    const fault = this.takeFault(entry);
    if (this.refuse(response, fault)) {
      entry.status = fault.status ?? 0;
      return;
    }
    const digest = url.pathname.split("/").at(-1);
    for (const repository of this.repositories.values()) {
      for (const content of Object.values(repository.files)) {
        if (createHash("sha256").update(content).digest("hex") !== digest) continue;
        response.setHeader("ETag", '"0123456789abcdef-1"');
        this.sendBody(content, request, response, fault);
        entry.status = response.statusCode;
        return;
      }
    }
    response.writeHead(404).end("NoSuchKey");
  }

  private refuse(response: ServerResponse, fault: Fault): boolean {
    if (fault.drop) response.destroy();
    else if (fault.status !== undefined) {
      response.writeHead(fault.status, { "Content-Type": "text/plain", ...fault.headers });
      response.end(fault.content ?? "refused");
    } else return false;
    return true;
  }

  private sendBody(file: Buffer, request: IncomingMessage, response: ServerResponse, fault: Fault): void {
    const content = fault.content ?? file;
    const range = fault.ignoreRange ? null : /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    const start = range === null ? 0 : Number(range[1]);
    if (range !== null && start >= content.length) {
      response.writeHead(416, { "Content-Range": `bytes */${content.length}` });
      response.end();
      return;
    }
    const end = range === null || range[2] === "" ? content.length : Number(range[2]) + 1;
    const body = content.subarray(start, end);
    const headers: Record<string, string> = { "Accept-Ranges": "bytes" };
    if (range !== null)
      headers["Content-Range"] = `bytes ${start}-${start + body.length - 1}/${content.length}`;
    const announced = fault.endAfter === undefined && !fault.withoutLength;
    if (announced) headers["Content-Length"] = String(body.length);
    response.writeHead(range === null ? 200 : 206, { ...headers, ...fault.headers });
    if (request.method === "HEAD") response.end();
    else if (fault.endAfter !== undefined) response.end(body.subarray(0, fault.endAfter));
    else if (fault.cutAfter !== undefined) {
      response.write(body.subarray(0, fault.cutAfter), () => response.destroy());
    } else if (fault.drip) {
      let sent = 0;
      const timer = setInterval(() => response.write(body.subarray(sent, ++sent)), 5);
      response.on("close", () => clearInterval(timer));
    } else if (fault.pauseAfter !== undefined) {
      response.write(body.subarray(0, fault.pauseAfter));
      this.paused.add(() => response.end(body.subarray(fault.pauseAfter)));
    } else response.end(body);
  }
}

/**
 * What `test/fixtures/hub-cache` was made from: small stand-ins for two models, one to be downloaded as a whole,
 * one file by file.
 */
export const recordedRepositories: readonly FakeRepository[] = [
  "organization/whole",
  "organization/file-by-file",
].map((name, position) => ({
  name,
  commit: String(position + 1).repeat(40),
  revisions: ["v1.0", "refs/pr/1"],
  large: ["model.safetensors"],
  files: {
    "1_SpladePooling/config.json": Buffer.from('{"pooling_strategy": "max"}\n'),
    "README.md": Buffer.from(`# ${name}\n`),
    "config.json": Buffer.from('{"architectures": ["BertForMaskedLM"]}\n'),
    "model.safetensors": Buffer.from(`${"weights ".repeat(20)}of ${name}\n`),
    "modules.json": Buffer.from(
      '[{"type": "sentence_transformers.models.Transformer", "path": ""}, {"type": "sentence_transformers.sparse_encoder.models.SpladePooling", "path": "1_SpladePooling"}]\n',
    ),
    "tokenizer.json": Buffer.from("{}\n"),
  },
}));

/** Name of a file in git: SHA-1 of a header and the content. */
export function gitHash(content: Buffer): string {
  return createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
}

function describe({ name, commit, files, gated }: FakeRepository): object {
  const siblings = Object.keys(files).map((rfilename) => ({ rfilename }));
  return {
    _id: "1",
    id: name,
    modelId: name,
    sha: commit,
    private: false,
    gated: gated ? "auto" : false,
    siblings,
  };
}

function listing(repository: FakeRepository): { path: string }[] {
  const folders = new Set<string>();
  for (const path of Object.keys(repository.files)) {
    const parts = path.split("/").slice(0, -1);
    for (const depth of parts.keys()) folders.add(parts.slice(0, depth + 1).join("/"));
  }
  const files = Object.entries(repository.files).map(([path, content]) => {
    const size = content.length;
    const large = repository.large?.includes(path)
      ? { lfs: { oid: createHash("sha256").update(content).digest("hex"), size, pointerSize: 134 } }
      : {};
    // A large file is a short pointer in git.
    const oid = gitHash(repository.large?.includes(path) ? Buffer.from(`pointer to ${path}`) : content);
    return { type: "file", oid, size, path, ...large, ...repository.listed?.[path] };
  });
  return [
    ...[...folders].map((path) => ({ type: "directory", oid: "0".repeat(40), size: 0, path })),
    ...files,
  ];
}

function sendJson(response: ServerResponse, value: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(200, { "Content-Type": "application/json; charset=utf-8", ...headers });
  response.end(JSON.stringify(value));
}

class Refusal extends Error {
  readonly status: number;
  readonly code: string | undefined;

  constructor(status: number, code: string | undefined, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}
