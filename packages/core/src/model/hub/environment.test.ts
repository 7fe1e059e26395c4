import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { readHubEnvironment } from "./environment.ts";

describe("environment", () => {
  const cache = (variables: NodeJS.ProcessEnv): string => readHubEnvironment(variables).cacheDir;

  it("finds the cache as huggingface_hub does", () => {
    expect(cache({})).toBe(path.join(homedir(), ".cache/huggingface/hub"));
    expect(cache({ XDG_CACHE_HOME: "/xdg" })).toBe("/xdg/huggingface/hub");
    expect(cache({ XDG_CACHE_HOME: "/xdg", HF_HOME: "/hf" })).toBe("/hf/hub");
    expect(cache({ HF_HOME: "/hf", HUGGINGFACE_HUB_CACHE: "/old" })).toBe("/old");
    expect(cache({ HF_HOME: "/hf", HUGGINGFACE_HUB_CACHE: "/old", HF_HUB_CACHE: "/new" })).toBe("/new");
    expect(cache({ HF_HOME: "", HF_HUB_CACHE: "" })).toBe(path.join(homedir(), ".cache/huggingface/hub"));
    expect(cache({ HF_HOME: "~/hf" })).toBe(path.join(homedir(), "hf/hub"));
    expect(cache({ HF_HUB_CACHE: ["$DATA/a/$", "{NAME}/$UNSET"].join(""), DATA: "/data", NAME: "b" })).toBe(
      "/data/a/b/$UNSET",
    );
    expect(cache({ HF_HUB_CACHE: "relative" })).toBe(path.resolve("relative"));
  });

  it("reads endpoint and switches", () => {
    expect(readHubEnvironment({})).toMatchObject({
      endpoint: "https://huggingface.co",
      offline: false,
      symlinks: true,
    });
    expect(readHubEnvironment({ HF_ENDPOINT: "https://mirror.example/hub//" }).endpoint).toBe(
      "https://mirror.example/hub",
    );
    for (const value of ["1", "on", "YES", "True"]) {
      expect(readHubEnvironment({ HF_HUB_OFFLINE: value }).offline).toBe(true);
    }
    for (const value of ["0", "false", "no", ""]) {
      expect(readHubEnvironment({ HF_HUB_OFFLINE: value }).offline).toBe(false);
    }
    expect(readHubEnvironment({ TRANSFORMERS_OFFLINE: "1" }).offline).toBe(true);
    expect(readHubEnvironment({ HF_HUB_OFFLINE: "0", TRANSFORMERS_OFFLINE: "1" }).offline).toBe(false);
    expect(readHubEnvironment({ HF_HUB_DISABLE_SYMLINKS: "1" }).symlinks).toBe(false);
  });

  it("takes the token of a variable, else of the token file", async () => {
    const read = (variables: NodeJS.ProcessEnv) => readHubEnvironment(variables).readToken();
    const scratch = await mkdtemp(path.join(tmpdir(), "hub-environment-"));
    onTestFinished(() => rm(scratch, { recursive: true }));
    await writeFile(path.join(scratch, "token"), "hf_from_file\n");
    const other = path.join(scratch, "other");
    await writeFile(other, "hf_other");
    expect(await read({ HF_HOME: scratch })).toBe("hf_from_file");
    expect(await read({ HF_HOME: scratch, HF_TOKEN_PATH: other })).toBe("hf_other");
    expect(await read({ HF_HOME: scratch, HF_TOKEN: " hf_variable\n" })).toBe("hf_variable");
    expect(await read({ HF_HOME: scratch, HUGGING_FACE_HUB_TOKEN: "hf_old" })).toBe("hf_old");
    expect(await read({ HF_HOME: scratch, HF_HUB_DISABLE_IMPLICIT_TOKEN: "1" })).toBeUndefined();
    expect(await read({ HF_HOME: path.join(scratch, "none") })).toBeUndefined();
    expect(await read({ HF_TOKEN_PATH: path.join(other, "below") })).toBeUndefined();
    await expect(read({ HF_TOKEN_PATH: scratch })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});
