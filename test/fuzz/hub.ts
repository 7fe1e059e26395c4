import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fetchModel, wantedModelFiles } from "../../packages/core/src/model/hub/hub.ts";
import type { HubTiming } from "../../packages/core/src/model/hub/timing.ts";
import { type Attempt, silentAcceptance } from "./attempts.ts";
import { HostileHub, hubFiles, sha256Of } from "./hostile-hub.ts";
import type { Random } from "./mutations.ts";

/** As in a program, but shorter: what a server can make wait is what is tried. */
const timing: HubTiming = {
  attempts: 3,
  firstWait: 5,
  longestWait: 200,
  silence: 300,
  stall: 1500,
  total: 4000,
  lockBeat: 50,
  lockSilence: 400,
};

const token = "hf_SecretTokenOfTheFuzzer";

/** What must stay as it is, outside of the cache. */
const precious = "precious";

let hub: Promise<HostileHub> | undefined;

/** Lays links in a cache, as another user of it might. */
function plantLinks(cache: string, outside: string, random: Random): void {
  const model = path.join(cache, "models--org--m");
  const digest = sha256Of(hubFiles["model.safetensors"]!);
  const names = [
    `blobs/${digest}.x.sparse-encoder.incomplete`,
    `blobs/${digest}.sparse-encoder.incomplete`,
    `blobs/${digest}`,
    "refs/main",
    "snapshots",
    "blobs",
    `.locks/models--org--m/${digest}.lock`,
  ];
  const name = random.pick(names);
  const file = path.join(model, name);
  mkdirSync(path.dirname(file), { recursive: true });
  const isFolder = name === "snapshots" || name === "blobs";
  symlinkSync(isFolder ? path.dirname(outside) : outside, file);
}

/** @throws Fault if a downloaded file is not what the listing said */
function checkFiles(folder: string): void {
  for (const [name, content] of Object.entries(hubFiles)) {
    const file = path.join(folder, name);
    if (existsSync(file) && !readFileSync(file).equals(content))
      throw silentAcceptance(`${name} has another content`);
  }
}

/** Downloads from a server that answers as it likes. */
export const hubTargets: Readonly<Record<string, Attempt>> = {
  hub: async (random, scratch) => {
    hub ??= HostileHub.start();
    const server = await hub;
    server.behave(random);
    const cache = path.join(scratch, "cache");
    const outside = path.join(scratch, "outside", precious);
    mkdirSync(path.dirname(outside));
    writeFileSync(outside, precious);
    if (random.oneIn(4)) plantLinks(cache, outside, random);
    try {
      const folder = await fetchModel(
        "org/m",
        { endpoint: server.endpoint, token, cacheDir: cache, wanted: wantedModelFiles() },
        timing,
      );
      if (server.listsTruly) checkFiles(folder);
    } catch (error) {
      const told = [error, (error as Error).cause].map(
        (one) => `${String(one)} ${String((one as Error | undefined)?.stack)}`,
      );
      if (told.join().includes(token)) throw silentAcceptance("an error tells the token");
      throw error;
    } finally {
      server.rest();
    }
    if (server.toldToStrangers(token)) throw silentAcceptance("the token went to another origin");
    if (readFileSync(outside, "utf8") !== precious)
      throw silentAcceptance("a file outside of the cache was changed");
  },
};
