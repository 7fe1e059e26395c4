import { access, mkdtemp, rmdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { availableParallelism, homedir, totalmem } from "node:os";
import path from "node:path";
import { listDevices, SparseEncoder } from "@sparse-encoder/core";
import packageFile from "../../package.json" with { type: "json" };
import { messageOf } from "../command-error.ts";
import type { Check } from "./check.ts";

/** Packages that some uses need, and what they are for. */
const optionalPackages = {
  "@electric-sql/pglite": "the store pglite:",
  pg: "the store postgres:",
  "@qdrant/js-client-rest": "the store qdrant:",
  "@opensearch-project/opensearch": "the store opensearch:",
  "@zilliz/milvus2-sdk-node": "the store milvus:",
  "@opentelemetry/api": "spans of the server",
} as const;

/** Least version of Node. */
const leastNode = [20, 19] as const;

export function nodeCheck(): Check {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const isNew = major > leastNode[0] || (major === leastNode[0] && minor >= leastNode[1]);
  return {
    name: "Node.js",
    state: isNew ? "ok" : "failed",
    found: `${process.versions.node}, ${process.platform} ${process.arch}`,
    advice: isNew ? undefined : `Install Node.js ${leastNode.join(".")} or later from https://nodejs.org.`,
  };
}

export function machineCheck(): Check {
  const gigabytes = (totalmem() / 2 ** 30).toFixed(1);
  return {
    name: "machine",
    state: "ok",
    found: `${availableParallelism()} cores, ${gigabytes} GiB of memory`,
  };
}

export function packageChecks(): Check[] {
  const needed = ["@sparse-encoder/core"].map((name): Check => {
    const version = versionOf(name);
    return {
      name,
      state: version === undefined ? "failed" : "ok",
      found: version ?? "not found",
      advice: version === undefined ? `Install @sparse-encoder/cli ${packageFile.version} again.` : undefined,
    };
  });
  const optional = Object.entries(optionalPackages).map(([name, use]): Check => {
    const version = versionOf(name);
    return {
      name,
      state: version === undefined ? "missing" : "ok",
      found: version ?? `not installed; for ${use}`,
      advice: version === undefined ? `npm install ${name}, where ${use} is used` : undefined,
    };
  });
  return [...needed, ...optional];
}

/** The folder of downloaded models, as the library finds it. */
export async function cacheCheck(): Promise<Check> {
  const folder =
    process.env.HF_HUB_CACHE ??
    path.join(process.env.HF_HOME ?? path.join(homedir(), ".cache/huggingface"), "hub");
  const isOffline = /^(1|true|yes|on)$/i.test(process.env.HF_HUB_OFFLINE ?? "");
  const note = isOffline ? ", offline by HF_HUB_OFFLINE" : "";
  // A folder that is not there yet is made in the nearest one that is.
  for (let place = folder; ; place = path.dirname(place)) {
    const isThere = await access(place).then(
      () => true,
      () => false,
    );
    if (!isThere && place !== path.dirname(place)) continue;
    const isWritable = await canWrite(place);
    return {
      name: "cache",
      state: isWritable ? "ok" : "failed",
      found: `${folder}${note}`,
      advice: isWritable ? undefined : `${place} cannot be written; set HF_HUB_CACHE to a folder that can.`,
    };
  }
}

/** Makes a folder and removes it: what permissions say does not hold for all users and file systems. */
async function canWrite(folder: string): Promise<boolean> {
  try {
    await rmdir(await mkdtemp(path.join(folder, "sparse-encoder-")));
    return true;
  } catch {
    return false;
  }
}

export async function deviceCheck(): Promise<Check> {
  try {
    const devices = await listDevices();
    return {
      name: "devices",
      state: "ok",
      found: devices.join(", "),
      advice:
        devices.length > 1
          ? undefined
          : "Only the CPU is used. For CUDA see the section on GPUs in the README.",
    };
  } catch (error) {
    return { name: "devices", state: "failed", found: messageOf(error) };
  }
}

/** Loads the embedded model and encodes a text: all native libraries take part. */
export async function encodeCheck(): Promise<Check> {
  const started = performance.now();
  try {
    await using encoder = await SparseEncoder.load();
    const { activeDims } = await encoder.encode("The weather is lovely today.");
    const seconds = ((performance.now() - started) / 1000).toFixed(2);
    return { name: "encoding", state: "ok", found: `${activeDims} active dims, ${seconds} s from the start` };
  } catch (error) {
    return {
      name: "encoding",
      state: "failed",
      found: messageOf(error),
      advice: "Install the package again for this platform; its native libraries do not load.",
    };
  }
}

function versionOf(name: string): string | undefined {
  for (const place of [import.meta.url, path.join(process.cwd(), "package.json")]) {
    try {
      const found: { readonly version?: string } = createRequire(place)(`${name}/package.json`);
      return found.version;
    } catch {
      // Not there, or its package file is private.
    }
    try {
      createRequire(place).resolve(name);
      return "installed";
    } catch {
      // Looked for in the next place.
    }
  }
  return undefined;
}
