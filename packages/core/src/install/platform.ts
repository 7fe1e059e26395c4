/** The machine, as far as binaries must fit it. */
export interface Platform {
  readonly system: NodeJS.Platform;
  readonly architecture: string;
  /** The C library of Linux; undefined elsewhere. */
  readonly libc: "glibc" | "musl" | undefined;
  /** Version of glibc; undefined elsewhere. */
  readonly libcVersion: string | undefined;
}

/** Platforms that onnxruntime-node has binaries for, as `describePlatform` writes them. docs/deploy.md shows this list. */
const supportedPlatforms = [
  ["linux x64 glibc", "Linux on x64 with glibc 2.28 or later"],
  ["linux arm64 glibc", "Linux on arm64 with glibc 2.28 or later"],
  ["darwin arm64", "macOS on Apple silicon"],
  ["win32 x64", "Windows on x64"],
  ["win32 arm64", "Windows on arm64"],
] as const;

/** The platform that this process runs on. */
export function describePlatform(): Platform {
  const { platform: system, arch: architecture } = process;
  if (system !== "linux") return { system, architecture, libc: undefined, libcVersion: undefined };
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  const libcVersion = header?.glibcVersionRuntime;
  return { system, architecture, libc: libcVersion === undefined ? "musl" : "glibc", libcVersion };
}

/** The message for a package whose binary is absent or does not fit. */
export function missingBinary(name: string, platform: Platform, reason: string): string {
  const { system, architecture, libc, libcVersion } = platform;
  const key = [system, architecture, libc].filter((part) => part !== undefined).join(" ");
  const here = libcVersion === undefined ? key : `${key} ${libcVersion}`;
  const list = supportedPlatforms.map(([, text]) => text).join(", ");
  const isSupported = supportedPlatforms.some(([known]) => known === key);
  const advice = isSupported
    ? `Install the packages again on this machine (node_modules of another machine lacks its binaries): npm install ${name}.`
    : `There is none for it. ${adviceFor(platform)}`;
  return `${name} has no binary here that fits ${here}: ${reason}. ${advice} Supported: ${list}.`;
}

function adviceFor({ system, architecture, libc }: Platform): string {
  if (libc === "musl") return "Use an image with glibc, such as node:22-slim in place of node:22-alpine.";
  if (system === "darwin" && architecture === "x64")
    return "On a Mac with Apple silicon, use the arm64 build of Node.js; on an Intel Mac, run Linux in a container.";
  return "Run it on one of the platforms below, in a container for example.";
}
