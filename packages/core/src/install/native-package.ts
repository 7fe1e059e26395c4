import nodeModule from "node:module";
import path from "node:path";
import { SparseEncoderError } from "../errors.ts";
import { loadedRuntimes, ownRuntime, runtimeConflict } from "./onnx-runtimes.ts";
import { bundledAdvice, installedFolders } from "./package-file.ts";
import { describePlatform, missingBinary } from "./platform.ts";

/** Begins the message of an error by which a worker thread says that it has no runtime. */
const notLoaded = "onnxruntime-node was not loaded: ";

/** Packages with binaries, or with files that they start threads from: no bundler can take them in. */
type NativePackage = "onnxruntime-node" | "piscina" | "tokenizers";

/**
 * Imports a package that cannot be bundled. From a program that this module was bundled into, it is found beside the
 * installed package, too.
 *
 * @param load a function with the import in it, so that tracers of deployments see a literal name
 * @throws SparseEncoderError `PLATFORM_UNSUPPORTED`, `RUNTIME_CONFLICT` or `INSTALLATION_INCOMPLETE`
 */
export async function importNative<Module>(
  name: NativePackage,
  load: () => Promise<Module>,
): Promise<Module> {
  try {
    return await load();
  } catch (error) {
    if (!isNotFound(name, error)) throw nativeFailure(name, error) ?? error;
    const installed = requireInstalled<Module>(name);
    if (installed !== undefined) return installed;
    throw nativeFailure(name, error);
  }
}

function requireInstalled<Module>(name: NativePackage): Module | undefined {
  for (const folder of installedFolders()) {
    const requireThere = nodeModule.createRequire(path.join(folder, "package.json"));
    try {
      return requireThere(name) as Module;
    } catch (error) {
      if (!isNotFound(name, error)) throw nativeFailure(name, error) ?? error;
    }
  }
  return undefined;
}

/** Marks an error of importing onnxruntime-node in a worker thread for {@link runtimeFailure}. */
export function runtimeNotLoaded(error: unknown): never {
  throw new Error(`${notLoaded}${messageOf(error)}`);
}

/** The error that an error of a worker thread stands for if the thread has no runtime; otherwise undefined. */
export function runtimeFailure(error: unknown): SparseEncoderError | undefined {
  const message = messageOf(error);
  return message.startsWith(notLoaded)
    ? nativeFailure("onnxruntime-node", new Error(message.slice(notLoaded.length)))
    : undefined;
}

/** What an error of importing a package with binaries means; undefined if it says nothing about the installation. */
function nativeFailure(name: NativePackage, error: unknown): SparseEncoderError | undefined {
  const message = chainOf(error);
  if (isNotFound(name, error)) {
    const text = `The package ${name} cannot be found. ${bundledAdvice}`;
    return new SparseEncoderError("INSTALLATION_INCOMPLETE", text, { cause: error });
  }
  if (name === "onnxruntime-node" && /VERS_\d|did not self-register|requested API version/.test(message)) {
    const text = runtimeConflict(ownRuntime(), loadedRuntimes());
    return new SparseEncoderError("RUNTIME_CONFLICT", text, { cause: error });
  }
  if (!binaryMissing.test(message)) return undefined;
  const text = missingBinary(name, describePlatform(), message.split("\n")[0]!);
  return new SparseEncoderError("PLATFORM_UNSUPPORTED", text, { cause: error });
}

/** How Node.js, the system's loader and the two packages say that a library is absent or does not fit. */
const binaryMissing =
  /\.node['"]?(?:\s|$|,|:)|cannot open shared object|shared library|GLIBC(?:XX)?_\d|ld-(?:linux|musl)|native binding|optional dependencies|not a valid Win32|specified (?:module|procedure)|dlopen|mach-o|Unsupported (?:OS|architecture|platform)/i;

function isNotFound(name: string, error: unknown): boolean {
  const message = messageOf(error);
  return (
    message.includes(`Cannot find package '${name}'`) || message.includes(`Cannot find module '${name}'`)
  );
}

function messageOf(error: unknown): string {
  return String((error as { message?: unknown } | undefined)?.message ?? error);
}

/** The messages of an error and of the errors below it. */
function chainOf(error: unknown): string {
  const messages: string[] = [];
  for (let each: unknown = error; typeof each === "object" && each !== null && messages.length < 5; ) {
    const { message, cause } = each as { message?: unknown; cause?: unknown };
    messages.push(String(message));
    each = cause;
  }
  return messages.join("\n");
}
