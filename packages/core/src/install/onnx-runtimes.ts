import { existsSync, readFileSync } from "node:fs";
import nodeModule from "node:module";
import path from "node:path";

const runtimePackage = "onnxruntime-node";

/** One copy of onnxruntime-node. */
export interface OnnxRuntime {
  /** Version; undefined if no package.json tells it. */
  readonly version: string | undefined;
  /** Folder of the package, or the file of the library. */
  readonly path: string;
}

/** The copy that this package uses; undefined if it is not installed. */
export function ownRuntime(): OnnxRuntime | undefined {
  try {
    const entry = nodeModule.createRequire(import.meta.url).resolve(runtimePackage);
    return describeRuntime(entry);
  } catch {
    return undefined;
  }
}

/** The copies whose libraries are loaded in this process, by whoever loaded them. */
export function loadedRuntimes(): OnnxRuntime[] {
  const { sharedObjects } = process.report.getReport() as { sharedObjects?: string[] };
  const files = (sharedObjects ?? []).filter((file) =>
    /onnxruntime(?:\.|_binding)/.test(path.basename(file)),
  );
  const runtimes = files.map(describeRuntime);
  return runtimes.filter(
    (runtime, position) => runtimes.findIndex((other) => other.path === runtime.path) === position,
  );
}

/** What a file belongs to: the nearest folder above it that is a package of this name. */
function describeRuntime(file: string): OnnxRuntime {
  for (let folder = path.dirname(file); folder !== path.dirname(folder); folder = path.dirname(folder)) {
    const manifest = path.join(folder, "package.json");
    if (!existsSync(manifest)) continue;
    const { name, version } = JSON.parse(readFileSync(manifest, "utf8")) as {
      name?: string;
      version?: string;
    };
    if (name === runtimePackage) return { version, path: folder };
  }
  return { version: undefined, path: file };
}

/** The message for two copies of ONNX Runtime in one process, which the system's loader takes for one library. */
export function runtimeConflict(own: OnnxRuntime | undefined, loaded: readonly OnnxRuntime[]): string {
  const version = own?.version ?? "1.30.0";
  const others = loaded.filter((runtime) => runtime.path !== own?.path);
  const list = others.map(nameOf).join(" and ") || "another copy";
  return (
    `Two versions of onnxruntime-node are in this process, and it can hold one: this library needs ` +
    `${own === undefined ? version : nameOf(own)}, but ${list} was loaded first. Let all packages share ` +
    `one: npm: "overrides": { "${runtimePackage}": "${version}" } in package.json; ` +
    `pnpm: overrides: { ${runtimePackage}: ${version} } in pnpm-workspace.yaml; ` +
    `yarn: "resolutions": { "${runtimePackage}": "${version}" } in package.json. Then install again.`
  );
}

function nameOf({ version, path: place }: OnnxRuntime): string {
  return `${version ?? "an unknown version"} at ${place}`;
}
