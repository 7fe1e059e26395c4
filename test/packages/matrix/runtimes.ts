import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { FakeHub } from "../../fakes/fake-hub.ts";
import { authorityFile, LocalForwardProxy, serverIdentity } from "../../helpers/forward-proxy.ts";
import { root, run } from "../../helpers/package-install.ts";
import { type Cell, checkAnswer, programs } from "./cell.ts";

/** Packages of the registry that hold a runtime, and how it starts a file. */
const runtimes: readonly (readonly [name: string, ...start: string[]])[] = [
  ...["20.19.0", "20.20.2", "22.23.3", "24.21.0", "26.10.0"].map(
    (version) => [`node@${version}`, "node"] as const,
  ),
  ["bun@1.4.5", "bun"],
  ["deno@2.9.6", "deno", "run", "-A"],
];

/** Core, as npm installs it, in each runtime, as ESM and as CommonJS, and with a model from a hub behind a proxy. */
export function runtimeCells(project: string): Cell[] {
  return runtimes.flatMap(([name, ...start]) => [
    ...(["esm", "cjs"] as const).map(
      (format): Cell => ({
        table: "Runtimes",
        row: name,
        column: format === "esm" ? "ESM" : "CommonJS",
        run: async () => {
          const folder = path.join(project, "runtimes");
          mkdirSync(folder, { recursive: true });
          const file = path.join(folder, format === "esm" ? "index.mjs" : "index.cjs");
          writeFileSync(file, programs[format]);
          checkAnswer(await run(folder, "npx", "-y", "-p", name, ...start, file));
        },
      }),
    ),
    {
      table: "Runtimes",
      row: name,
      column: "hub behind a proxy, TLS",
      run: () => loadThroughProxy(path.join(project, "runtimes"), name, start),
    },
  ]);
}

const embedded = path.join(root, "packages/core/models/splade-tiny");

/** Loads the embedded model from a hub that only the proxy of `HTTPS_PROXY` reaches. */
async function loadThroughProxy(folder: string, runtime: string, start: readonly string[]): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const files = readdirSync(embedded, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .map((file) => [path.relative(embedded, file).replaceAll(path.sep, "/"), readFileSync(file)] as const);
  const repository = {
    name: "organization/model",
    commit: "1".repeat(40),
    large: ["model.safetensors"],
    files: Object.fromEntries(files),
  };
  const names = { hub: "https://hub.example", storage: "https://storage.example" };
  await using hub = await FakeHub.startSecure({ identity: serverIdentity, ...names }, repository);
  const routes = { "hub.example:443": hub.ports.hub, "storage.example:443": hub.ports.storage };
  await using proxy = await LocalForwardProxy.start({ routes, credentials: "me:secret" });
  const variables = {
    HTTPS_PROXY: proxy.address("me:secret"),
    HF_ENDPOINT: names.hub,
    HF_HOME: mkdtempSync(path.join(folder, "hub-")),
    NODE_EXTRA_CA_CERTS: authorityFile,
    DENO_CERT: authorityFile,
  };
  // npm, which fetches the runtime, is not to use the proxy.
  const set = Object.entries(variables).map(
    ([name, value]) => `process.env.${name} = ${JSON.stringify(value)};\n`,
  );
  const file = path.join(folder, "proxy.mjs");
  const program = programs.esm.replace("SparseEncoder.load()", 'SparseEncoder.load("organization/model")');
  writeFileSync(file, program);
  const starter = path.join(folder, "start-proxy.mjs");
  writeFileSync(
    starter,
    `import { spawnSync } from "node:child_process";\n${set.join("")}const [command, ...rest] = ${JSON.stringify([...start, file])};
process.exit(spawnSync(command, rest, { stdio: "inherit", shell: process.platform === "win32" }).status ?? 1);\n`,
  );
  checkAnswer(await run(folder, "npx", "-y", "-p", runtime, "node", starter));
  if (proxy.asked.length === 0) throw new Error("the proxy was not asked");
}
