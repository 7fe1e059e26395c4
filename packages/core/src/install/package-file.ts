import { existsSync } from "node:fs";
import nodeModule from "node:module";
import path from "node:path";
import { SparseEncoderError } from "../errors.ts";

const packageName = "@sparse-encoder/core";

/** Names a folder that holds `dist` and `models` of this package, for programs in which it cannot be found. */
const folderVariable = "SPARSE_ENCODER_FOLDER";

/** What this package reads at run time. */
const parts = {
  model: {
    path: "models/splade-tiny",
    what: "The embedded model",
    code: "MODEL_NOT_FOUND",
    beside: besideModel,
  },
  worker: {
    path: "dist/esm/runtime/worker.js",
    what: "The file of the worker threads",
    code: "WORKER_FAILED",
    beside: besideWorker,
  },
} as const;

// Tracers of deployments find files by literal paths of this form, in function declarations.
function besideModel(): string {
  return `${import.meta.dirname}/../../models/splade-tiny`;
}

function besideWorker(): string {
  return `${import.meta.dirname}/../../dist/esm/runtime/worker.js`;
}

/**
 * Path of the folder of the embedded model, or of the entry file of worker threads.
 *
 * Where this module was bundled into a program, the folder that the environment variable `SPARSE_ENCODER_FOLDER` names is
 * taken, or the installed package that the program, its main script or the current folder can resolve.
 *
 * @throws SparseEncoderError `MODEL_NOT_FOUND` or `WORKER_FAILED`, with the places tried
 */
export function packageFile(part: keyof typeof parts): string {
  const { path: relative, what, code, beside } = parts[part];
  const tried: string[] = [];
  for (const candidate of candidates(beside(), relative)) {
    if (existsSync(candidate)) return candidate;
    tried.push(candidate);
  }
  const places = tried.length === 0 ? "cannot be found" : `is not at ${[...new Set(tried)].join(" nor at ")}`;
  throw new SparseEncoderError(code, `${what} ${places}. ${bundledAdvice}`);
}

/** Where a part may be, the likeliest place first. */
function* candidates(own: string, relative: string): Generator<string> {
  // Bundled into CommonJS, this module does not know where it is.
  if (process.env[folderVariable] === undefined && path.isAbsolute(own)) yield path.normalize(own);
  for (const folder of installedFolders()) yield path.join(folder, relative);
}

/** What to do where files or packages that this package needs were left behind. */
export const bundledAdvice: string =
  `If a bundler took ${packageName} in, keep it external (esbuild: --packages=external; Next.js: ` +
  `serverExternalPackages: ["${packageName}"]; docs/deploy.md has more), or set the environment variable ` +
  `${folderVariable} to the folder of the installed package. If files were copied, copy its folders dist and models too.`;

/**
 * Folders of this package: the one that the environment names, or what this module, the main script and the current folder
 * resolve, without repetition.
 */
export function installedFolders(): string[] {
  const named = process.env[folderVariable];
  if (named !== undefined) return [path.resolve(named)];
  const places = [import.meta.dirname, path.dirname(process.argv[1] ?? ""), process.cwd()];
  const folders = places.flatMap((place) => {
    try {
      const requireThere = nodeModule.createRequire(path.resolve(place ?? ".", "any.js"));
      return [path.dirname(requireThere.resolve(`${packageName}/package.json`))];
    } catch {
      return [];
    }
  });
  return [...new Set(folders)];
}
