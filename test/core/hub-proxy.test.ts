import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { downloadModel } from "@sparse-encoder/core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fetchModel, wantedModelFiles } from "../../packages/core/src/model/hub/hub.ts";
import { defaultTiming } from "../../packages/core/src/model/hub/timing.ts";
import { FakeHub, type FakeRepository } from "../fakes/fake-hub.ts";
import { authorityFile, LocalForwardProxy, serverIdentity } from "../helpers/forward-proxy.ts";

const password = "pass-word-of-the-proxy";
const token = "hf_AbCdEfGhIjKlMnOpQrStUvWxYz";
const weights = Buffer.alloc(3_000_000, "weights");
const repository: FakeRepository = {
  name: "organization/model",
  commit: "0123456789abcdef0123456789abcdef01234567",
  large: ["model.safetensors"],
  files: {
    "config.json": Buffer.from('{"model_type": "bert", "architectures": ["BertForMaskedLM"]}'),
    "model.safetensors": weights,
    "tokenizer.json": Buffer.from("{}"),
  },
};
const timing = { ...defaultTiming, attempts: 2, firstWait: 2, silence: 1000 };

let scratch: string;

beforeEach(async () => {
  for (const name of Object.keys(process.env)) {
    if (/^(HF_|HUGGING|TRANSFORMERS_|XDG_CACHE)|_PROXY$/i.test(name)) vi.stubEnv(name, undefined);
  }
  scratch = await mkdtemp(path.join(tmpdir(), "hub-proxy-"));
  vi.stubEnv("HF_HOME", path.join(scratch, "home"));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(scratch, { recursive: true, force: true });
});

function fetchFrom(endpoint: string): Promise<string> {
  const cacheDir = path.join(scratch, "cache");
  return fetchModel(repository.name, { endpoint, cacheDir, token, wanted: wantedModelFiles() }, timing);
}

async function failureOf(
  promise: Promise<unknown>,
): Promise<{ code: string; message: string; whole: string }> {
  const error = (await promise.then(
    () => expect.unreachable(),
    (reason: unknown) => reason,
  )) as { code: string; message: string };
  const whole = inspect(error, { depth: 10, showHidden: true });
  for (const secret of [password, token, Buffer.from(`me:${password}`).toString("base64")])
    expect(whole).not.toContain(secret);
  return { code: error.code, message: error.message, whole };
}

describe("a hub with an http address", () => {
  it("is asked through the proxy, which gets the credentials, and not the hub", async () => {
    await using hub = await FakeHub.start(repository);
    await using proxy = await LocalForwardProxy.start({ credentials: `me:${password}` });
    vi.stubEnv("HTTP_PROXY", proxy.address(`me:${password}`));
    const folder = await fetchFrom(hub.endpoint);
    expect((await readFile(path.join(folder, "model.safetensors"))).equals(weights)).toBe(true);
    expect(proxy.asked).toHaveLength(hub.requests.length);
    expect(proxy.asked[0]).toBe(`GET ${hub.endpoint}/api/models/organization/model/revision/main`);
    expect(hub.requests.some(({ server }) => server === "storage")).toBe(true);
    for (const { server, authorization } of hub.requests)
      expect(authorization).toBe(server === "hub" ? `Bearer ${token}` : undefined);
  });

  it("is asked without the proxy where NO_PROXY names it, or where the proxy is for https", async () => {
    await using hub = await FakeHub.start(repository);
    await using proxy = await LocalForwardProxy.start();
    vi.stubEnv("HTTPS_PROXY", proxy.address());
    await fetchFrom(hub.endpoint);
    vi.stubEnv("HTTP_PROXY", proxy.address());
    vi.stubEnv("NO_PROXY", "localhost,127.0.0.0/8");
    await fetchFrom(hub.endpoint);
    expect(proxy.asked).toEqual([]);
  });
});

describe("a proxy that refuses", () => {
  const https = "https://hub.example";

  it.each(["http://mirror.example", https])("wants credentials, for %s", async (endpoint) => {
    await using proxy = await LocalForwardProxy.start({ credentials: `me:${password}` });
    for (const [given, answer] of [
      [undefined, "wants a user name and a password, and got none (it answered 407)"],
      [`me:not-${password}`, "and refuses the ones that it got (it answered 407)"],
    ] as const) {
      vi.stubEnv("ALL_PROXY", proxy.address(given));
      const { code, message } = await failureOf(fetchFrom(endpoint));
      expect(code).toBe("NETWORK");
      expect(message).toContain(`The proxy ${proxy.address()} (ALL_PROXY) `);
      expect(message).toContain(answer);
      expect(message).toContain("http://user:password@host:port");
    }
    expect(proxy.asked).toHaveLength(2);
  });

  it("says which ways of signing in it takes, if Basic is none", async () => {
    await using proxy = await LocalForwardProxy.start({
      credentials: "a:b",
      challenge: "Negotiate, NTLM",
    });
    vi.stubEnv("HTTPS_PROXY", proxy.address(`me:${password}`));
    expect((await failureOf(fetchFrom(https))).message).toContain("It takes Negotiate, NTLM, and only Basic");
  });

  it("refuses the host for good, or for now", async () => {
    for (const [status, tries] of [
      [403, 1],
      [503, timing.attempts],
    ] as const) {
      await using proxy = await LocalForwardProxy.start({ status });
      vi.stubEnv("HTTPS_PROXY", proxy.address());
      const { code, message } = await failureOf(fetchFrom(https));
      expect(code).toBe("NETWORK");
      expect(message).toContain(`does not connect to hub.example (it answered ${status})`);
      expect(proxy.asked).toEqual(Array(tries).fill("CONNECT hub.example:443"));
    }
  });

  it("is not there, is silent, or is a server of another kind", async () => {
    const gone = await LocalForwardProxy.start();
    const address = gone.address(`me:${password}`);
    await gone[Symbol.asyncDispose]();
    vi.stubEnv("HTTPS_PROXY", address);
    expect((await failureOf(fetchFrom(https))).message).toMatch(
      /cannot be reached through the proxy http:\/\/127.0.0.1:\d+ \(HTTPS_PROXY\): connect ECONNREFUSED/,
    );
    await using silent = await LocalForwardProxy.start({ silent: true });
    vi.stubEnv("HTTPS_PROXY", silent.address());
    expect((await failureOf(fetchFrom(https))).message).toContain("silent for 1 seconds");
    await using hub = await FakeHub.start(repository);
    vi.stubEnv("HTTPS_PROXY", hub.endpoint);
    expect((await failureOf(fetchFrom(https))).code).toBe("NETWORK");
  });

  it("gives way to a whole copy in the cache", async () => {
    await using hub = await FakeHub.start(repository);
    const folder = await fetchFrom(hub.endpoint);
    vi.stubEnv("HTTP_PROXY", "socks5://127.0.0.1:1");
    expect(await fetchFrom(hub.endpoint)).toBe(folder);
  });

  it("can be given up while it is silent", async () => {
    await using proxy = await LocalForwardProxy.start({ silent: true });
    vi.stubEnv("HTTPS_PROXY", proxy.address());
    const signal = AbortSignal.timeout(50);
    const cacheDir = path.join(scratch, "cache");
    await expect(downloadModel("a/b", { endpoint: https, cacheDir, signal })).rejects.toMatchObject({
      code: "ABORTED",
    });
  });
});

/** In a process of its own, where the certificate of the tests is trusted. */
describe("a hub with an https address", () => {
  const names = { hub: "https://hub.example", storage: "https://storage.example" };
  const program = `
    import { downloadModel } from "@sparse-encoder/core";
    console.log(await downloadModel("organization/model", { token: "${token}" })
      .catch((error) => error.code + ": " + error.message));`;

  async function download(variables: Record<string, string>): Promise<string> {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
      cwd: fileURLToPath(new URL("../../", import.meta.url)),
      env: { ...process.env, HF_HOME: path.join(scratch, "home"), HF_ENDPOINT: names.hub, ...variables },
    });
    let printed = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk) => (printed += String(chunk)));
    await new Promise((resolve) => child.on("close", resolve));
    return printed.trim();
  }

  it.each([false, true])("is reached through a tunnel; the proxy speaks TLS: %s", async (secure) => {
    await using hub = await FakeHub.startSecure({ identity: serverIdentity, ...names }, repository);
    const routes = { "hub.example:443": hub.ports.hub, "storage.example:443": hub.ports.storage };
    await using proxy = await LocalForwardProxy.start({ routes, credentials: "me:secret", secure });
    const variables = { https_proxy: proxy.address("me:secret"), NODE_EXTRA_CA_CERTS: authorityFile };
    const folder = await download(variables);
    expect(folder).toContain(repository.commit);
    expect((await readFile(path.join(folder, "model.safetensors"))).equals(weights)).toBe(true);
    expect(new Set(proxy.asked)).toEqual(new Set(["CONNECT hub.example:443", "CONNECT storage.example:443"]));
    for (const { server, authorization } of hub.requests)
      expect(authorization).toBe(server === "hub" ? `Bearer ${token}` : undefined);
    // Node's own switch changes nothing, and does not go through the proxy twice.
    await rm(path.join(scratch, "home"), { recursive: true });
    expect(await download({ ...variables, NODE_USE_ENV_PROXY: "1" })).toBe(folder);
  });

  it("is refused if nobody that is trusted signed its certificate, or if it is of another host", async () => {
    await using hub = await FakeHub.startSecure({ identity: serverIdentity, ...names }, repository);
    await using proxy = await LocalForwardProxy.start({ routes: { "hub.example:443": hub.ports.hub } });
    const https_proxy = proxy.address();
    const unknown = await download({ https_proxy, NODE_EXTRA_CA_CERTS: "" });
    expect(unknown).toMatch(/^NETWORK: .*unable to verify the first certificate.*NODE_EXTRA_CA_CERTS/);
    await using other = await LocalForwardProxy.start({ routes: { "huggingface.co:443": hub.ports.hub } });
    const wrongHost = await download({
      HF_ENDPOINT: "https://huggingface.co",
      https_proxy: other.address(),
      NODE_EXTRA_CA_CERTS: authorityFile,
    });
    expect(wrongHost).toMatch(/^NETWORK: .*does not match certificate's altnames/);
    expect(hub.requests).toEqual([]);
  });
});
