import type { Device } from "./device.ts";
import { isOutOfMemory } from "./device-failure.ts";

/** What is known of a machine, beside the runtime's words, when a device does not open. */
export interface DeviceFacts {
  /** As in `process.platform` and `process.arch`, `linux-x64`. */
  readonly system: string;
  /** True if the library for CUDA lies beside the runtime. */
  readonly cudaInstalled: boolean;
  /** File names of CUDA's libraries that the system's loader would find, such as `libcublasLt.so.13`. */
  readonly libraries: readonly string[];
}

/**
 * What the runtime's words about a device that failed mean, and what to do. Texts in, text out.
 *
 * @param text message and log of the runtime
 * @returns sentences; undefined if the text says nothing that is known
 */
export function deviceAdvice(device: Device, text: string, facts: DeviceFacts): string | undefined {
  if (device.kind === "cuda" && !facts.cudaInstalled) return cudaNotInstalled(facts);
  for (const { pattern, advice } of readings) {
    const match = pattern.exec(text);
    if (match !== null) return advice({ match, device, facts });
  }
  return isOutOfMemory(text) ? noRoom : undefined;
}

interface Reading {
  readonly pattern: RegExp;
  readonly advice: (found: {
    readonly match: RegExpExecArray;
    readonly device: Device;
    readonly facts: DeviceFacts;
  }) => string;
}

const noRoom =
  'The memory of the device is full: end other programs on it, or load the model with dtype "fp16" or with fewer workers.';

const lost =
  "The GPU failed, and this process cannot use it any more: start the process again; the kernel's log (dmesg) has an Xid line with the cause.";

/** Read in this order: a text may hold more than one of them. */
const readings: readonly Reading[] = [
  { pattern: /(lib[\w-]+\.so[.\d]*): cannot open shared object file/, advice: missingLibrary },
  {
    pattern: /undefined symbol|version [`'][\w.]+' not found|VERS_\d/,
    advice: () =>
      "Libraries of different versions are mixed: the CUDA provider must come from the very version of onnxruntime-node that is installed, and its CUDA and cuDNN libraries from one CUDA version.",
  },
  {
    pattern: /CUDA failure 35\b|driver version is insufficient/,
    advice: () =>
      "The NVIDIA driver is too old for the CUDA version of the provider: CUDA 12 needs driver 525 or later, CUDA 13 needs 580 or later (nvidia-smi shows it).",
  },
  {
    pattern: /CUDA failure 80[34]\b|unsupported display driver|forward compatibility was attempted/,
    advice: () =>
      "The NVIDIA driver's library and its kernel module have different versions: restart the machine, or the container with the driver of its host.",
  },
  {
    pattern: /CUDA failure 100\b|no CUDA-capable device/,
    advice: () =>
      "CUDA sees no GPU: check nvidia-smi, the environment variable CUDA_VISIBLE_DEVICES, and in Docker the option --gpus all.",
  },
  {
    pattern: /CUDA failure 101\b|invalid device ordinal/,
    advice: ({ device }) =>
      `There is no GPU number ${device.index}: GPUs count from cuda:0, and CUDA_VISIBLE_DEVICES may hide some.`,
  },
  {
    pattern: /CUDA failure 209\b|no kernel image is available/,
    advice: () =>
      "The CUDA provider has no code for this GPU: its compute capability is below 7.5, or newer than the provider.",
  },
  {
    pattern:
      /CUDA failure (?:46|700|710|714|716|718|719|999)\b|illegal memory access|unspecified launch failure|device lost/i,
    advice: () => lost,
  },
  {
    pattern: /Couldn't load Vulkan/,
    advice: () => "WebGPU on Linux needs the Vulkan loader: apt install libvulkan1.",
  },
  {
    pattern: /Failed to get a WebGPU adapter/,
    advice: () =>
      "No graphics driver offers WebGPU here: on Linux it needs a Vulkan driver (vulkaninfo lists them).",
  },
  {
    pattern: /backend not found/,
    advice: ({ device, facts }) => `onnxruntime-node has no ${device.kind} for ${facts.system}.`,
  },
];

function cudaNotInstalled({ system }: DeviceFacts): string {
  if (system !== "linux-x64") {
    const others = system.startsWith("win32") ? ": use dml or webgpu, or Linux under WSL 2" : "";
    return `onnxruntime-node has CUDA for Linux on x64 only, and this is ${system}${others}.`;
  }
  return "The CUDA provider is not installed: the install script of onnxruntime-node downloads it, and it was skipped or had no network. Allow it (pnpm: allowBuilds in pnpm-workspace.yaml; npm 12: npm install-scripts approve onnxruntime-node; npm: no --ignore-scripts) and install again, or run node node_modules/onnxruntime-node/script/install.js.";
}

/** Packages of the libraries that the CUDA provider loads. `#` stands for the major version of CUDA. */
const packages: Readonly<Record<string, { readonly pip: string; readonly apt: string }>> = {
  libcublas: { pip: "nvidia-cublas", apt: "libcublas-#-0" },
  libcublasLt: { pip: "nvidia-cublas", apt: "libcublas-#-0" },
  libcudart: { pip: "nvidia-cuda-runtime", apt: "cuda-cudart-#-0" },
  libcufft: { pip: "nvidia-cufft", apt: "libcufft-#-0" },
  libcurand: { pip: "nvidia-curand", apt: "libcurand-#-0" },
  libnvrtc: { pip: "nvidia-cuda-nvrtc", apt: "cuda-nvrtc-#-0" },
  libcudnn: { pip: "nvidia-cudnn-cu#", apt: "libcudnn9-cuda-#" },
};

/** Libraries whose version is the version of CUDA. */
const versioned = /^(libcublas|libcublasLt|libcudart|libnvrtc)\.so\.(\d+)/;

function missingLibrary({ match, facts }: { match: RegExpExecArray; facts: DeviceFacts }): string {
  const library = match[1]!;
  if (library.startsWith("libcuda.so")) {
    return "The NVIDIA driver is missing (libcuda.so.1): install it, and in Docker start the container with --gpus all.";
  }
  if (library.startsWith("libvulkan.so"))
    return "WebGPU on Linux needs the Vulkan loader: apt install libvulkan1.";
  if (library.startsWith("libonnxruntime")) {
    return `${library} is missing beside onnxruntime-node: the providers for CUDA are two files, libonnxruntime_providers_cuda.so and libonnxruntime_providers_shared.so.`;
  }
  const [, name, major] = versioned.exec(library) ?? [];
  const other = facts.libraries.find((found) => {
    const [, otherName, otherMajor] = versioned.exec(found) ?? [];
    return otherName === name && otherMajor !== major;
  });
  const mixed =
    name === undefined || other === undefined
      ? ""
      : ` The system has ${other}: the provider was built for CUDA ${major} and the libraries are of CUDA ${versioned.exec(other)![2]}; take both from one CUDA version.`;
  return `The CUDA provider needs ${library}, which the system's loader does not find.${mixed}${howToInstall(library, major, facts)}`;
}

function howToInstall(library: string, major: string | undefined, facts: DeviceFacts): string {
  const known = packages[library.split(".so")[0]!.replace(/_.*/, "")];
  if (known === undefined) return " Put its folder into LD_LIBRARY_PATH.";
  const cuda = major ?? cudaOf(facts) ?? "12";
  // Of CUDA 12, pip's packages carry its number.
  const pip = known.pip.includes("#")
    ? known.pip.replace("#", cuda)
    : `${known.pip}${cuda === "12" ? "-cu12" : ""}`;
  return ` Install it: apt install ${known.apt.replace("#", cuda)} from NVIDIA's repository, or pip install ${pip}; then put its folder into LD_LIBRARY_PATH before the process starts.`;
}

/** The version of CUDA whose libraries the system has. */
function cudaOf({ libraries }: DeviceFacts): string | undefined {
  for (const library of libraries) {
    const [, , major] = versioned.exec(library) ?? [];
    if (major !== undefined) return major;
  }
  return undefined;
}
