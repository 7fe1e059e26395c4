import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import { SparseEncoderError } from "../../errors.ts";

/** What the environment says about the hub. */
export interface HubEnvironment {
  /** Base address of the hub, without a slash at its end. */
  readonly endpoint: string;
  /** Absolute path of the folder that holds one folder a model. */
  readonly cacheDir: string;
  /** True if no request may be made. */
  readonly offline: boolean;
  /** False if files of a snapshot must be files rather than symbolic links. */
  readonly symlinks: boolean;
  /** The access token of the environment, else the one in the token file; undefined for none. */
  readonly readToken: () => Promise<string | undefined>;
}

/**
 * Reads the environment variables of `huggingface_hub`, so that a machine set up for Python needs nothing more.
 * This is the only place of the package that reads them. An empty value counts as unset; `~`, `$NAME` and
 * `${NAME}` are replaced in paths; true is `1`, `on`, `yes` or `true` in any case.
 *
 * | variable | meaning | default |
 * | --- | --- | --- |
 * | `HF_ENDPOINT` | base address of the hub | `https://huggingface.co` |
 * | `HF_HOME` | folder of the cache and the token file | `$XDG_CACHE_HOME/huggingface`, else `~/.cache/huggingface` |
 * | `HF_HUB_CACHE`, before it `HUGGINGFACE_HUB_CACHE` | the cache | `$HF_HOME/hub` |
 * | `HF_TOKEN`, after it `HUGGING_FACE_HUB_TOKEN` | access token | content of the token file |
 * | `HF_TOKEN_PATH` | the token file, as `hf auth login` writes it | `$HF_HOME/token` |
 * | `HF_HUB_DISABLE_IMPLICIT_TOKEN` | true: send no token unless it is given as an option | false |
 * | `HF_HUB_OFFLINE`, `TRANSFORMERS_OFFLINE` | true: use the cache only | false |
 * | `HF_HUB_DISABLE_SYMLINKS` | true: snapshots hold files, no links | false |
 */
export function readHubEnvironment(variables: NodeJS.ProcessEnv = process.env): HubEnvironment {
  const home =
    variable(variables, "HF_HOME") ??
    path.join(variable(variables, "XDG_CACHE_HOME") ?? path.join(homedir(), ".cache"), "huggingface");
  const cache =
    variable(variables, "HF_HUB_CACHE") ??
    variable(variables, "HUGGINGFACE_HUB_CACHE") ??
    path.join(home, "hub");
  const tokenFile = variable(variables, "HF_TOKEN_PATH") ?? path.join(home, "token");
  return {
    endpoint: (variable(variables, "HF_ENDPOINT") ?? "https://huggingface.co").replace(/\/+$/, ""),
    cacheDir: absolute(cache, variables),
    // The first of the two that is set decides.
    offline: isTrue(variable(variables, "HF_HUB_OFFLINE") ?? variable(variables, "TRANSFORMERS_OFFLINE")),
    symlinks: !isTrue(variable(variables, "HF_HUB_DISABLE_SYMLINKS")),
    readToken: async () => {
      if (isTrue(variable(variables, "HF_HUB_DISABLE_IMPLICIT_TOKEN"))) return undefined;
      const given = variable(variables, "HF_TOKEN") ?? variable(variables, "HUGGING_FACE_HUB_TOKEN");
      return given?.trim() || (await readTokenFile(absolute(tokenFile, variables)));
    },
  };
}

async function readTokenFile(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, "utf8")).trim() || undefined;
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new SparseEncoderError(
      "INVALID_ARGUMENT",
      `The token file ${file} cannot be read (${code}). Make it readable, or name another one in HF_TOKEN_PATH.`,
      { cause },
    );
  }
}

function variable(variables: NodeJS.ProcessEnv, name: string): string | undefined {
  return variables[name] || undefined;
}

function isTrue(value: string | undefined): boolean {
  return /^(1|on|yes|true)$/i.test(value ?? "");
}

function absolute(text: string, variables: NodeJS.ProcessEnv): string {
  return path.resolve(
    text
      .replace(/^~(?=$|[\\/])/, () => homedir())
      .replace(/\$(\w+)|\$\{([^}]*)\}/g, (found, plain, braced) => variables[plain ?? braced] ?? found),
  );
}
