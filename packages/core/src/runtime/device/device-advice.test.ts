import { describe, expect, it } from "vitest";
import { parseDevice } from "./device.ts";
import { type DeviceFacts, deviceAdvice } from "./device-advice.ts";

const ready: DeviceFacts = { system: "linux-x64", cudaInstalled: true, libraries: [] };

/** Texts of onnxruntime-node 1.30 with the provider for CUDA 13, as they were recorded; paths are shortened. */
const recorded = {
  noShared:
    "provider_bridge_ort.cc:1988 onnxruntime::Provider& onnxruntime::ProviderLibrary::Get() [ONNXRuntimeError] : 1 : FAIL : Failed to load library /app/node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime_providers_shared.so with error: /app/node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime_providers_shared.so: cannot open shared object file: No such file or directory",
  noCublas:
    "[ONNXRuntimeError] : 1 : FAIL : Failed to load library /app/node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime_providers_cuda.so with error: libcublasLt.so.13: cannot open shared object file: No such file or directory",
  ordinal:
    "onnxruntime::CudaCall(...) [with ERRTYPE = cudaError; bool THRW = true] CUDA failure 101: invalid device ordinal ; GPU=0 ; hostname=vm ; file=cuda_execution_provider.cc ; line=352 ; expr=cudaSetDevice(info_.device_id);",
  noGpu:
    "onnxruntime::CudaCall(...) CUDA failure 100: no CUDA-capable device is detected ; GPU=-1 ; hostname=vm ; file=cuda_execution_provider.cc ; line=352 ; expr=cudaSetDevice(info_.device_id);",
  noVulkan:
    "Warning: Couldn't load Vulkan: libvulkan.so.1: cannot open shared object file: No such file or directory",
  noAdapter:
    "webgpu_context.cc:136 adapter_result.status == wgpu::RequestAdapterStatus::Success was false. Failed to get a WebGPU adapter: No supported adapters",
  noBackend: "no available backend found. ERR: [coreml] backend not found.",
};

/** Texts in the same form that were not recorded: with the numbers and words of CUDA's header driver_types.h. */
const composed = {
  noDriver: recorded.noCublas.replace("libcublasLt.so.13", "libcuda.so.1"),
  noCudnn: recorded.noCublas.replace("libcublasLt.so.13", "libcudnn.so.9"),
  noCublas12: recorded.noCublas.replace("libcublasLt.so.13", "libcublasLt.so.12"),
  oldDriver: "CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version ; GPU=-1",
  driverMismatch: "CUDA failure 803: system has unsupported display driver / cuda driver combination",
  oldCard: "CUDA failure 209: no kernel image is available for execution on the device",
  illegal: "CUDA failure 700: an illegal memory access was encountered ; GPU=0",
  full: "CUDA failure 2: out of memory ; GPU=0",
  arena: "Failed to allocate memory for requested buffer of size 1006632960",
  symbol: "libonnxruntime_providers_cuda.so: undefined symbol: cublasLtMatmulDescInit_internal",
};

const of = (text: string, facts = ready, device = "cuda:0") => deviceAdvice(parseDevice(device), text, facts);

describe("deviceAdvice", () => {
  it("says how the provider of CUDA gets in, and where there is none", () => {
    const without = { ...ready, cudaInstalled: false };
    expect(of("Failed to load shared library", without)).toMatch(
      /not installed.*allowBuilds.*install-scripts approve onnxruntime-node.*script\/install\.js/,
    );
    expect(of("", { ...without, system: "win32-x64" })).toMatch(/Linux on x64 only.*use dml or webgpu/);
    expect(of("", { ...without, system: "darwin-arm64" })).toMatch(/this is darwin-arm64\.$/);
  });

  it("names a library that is missing, and the packages that have it", () => {
    expect(of(recorded.noCublas)).toMatch(
      /needs libcublasLt\.so\.13.*apt install libcublas-13-0.*pip install nvidia-cublas;/,
    );
    expect(of(composed.noCublas12)).toMatch(/libcublasLt\.so\.12.*libcublas-12-0.*nvidia-cublas-cu12;/);
    expect(of(composed.noCudnn, { ...ready, libraries: ["libcublas.so.13"] })).toMatch(
      /libcudnn\.so\.9.*libcudnn9-cuda-13.*nvidia-cudnn-cu13/,
    );
    expect(of(recorded.noShared)).toMatch(
      /libonnxruntime_providers_shared\.so is missing beside onnxruntime-node/,
    );
    expect(of(composed.noDriver)).toMatch(/NVIDIA driver is missing.*--gpus all/);
  });

  it("sees that provider and libraries are of two versions of CUDA", () => {
    expect(
      of(composed.noCublas12, { ...ready, libraries: ["libcudart.so.13", "libcublasLt.so.13.1.0"] }),
    ).toMatch(/built for CUDA 12 and the libraries are of CUDA 13/);
    expect(of(composed.symbol)).toMatch(/different versions are mixed/);
  });

  it.each([
    ["ordinal", recorded.ordinal, "cuda:7", /no GPU number 7.*cuda:0/],
    ["noGpu", recorded.noGpu, "cuda", /sees no GPU.*CUDA_VISIBLE_DEVICES/],
    ["noVulkan", recorded.noVulkan, "webgpu", /libvulkan1/],
    ["noAdapter", recorded.noAdapter, "webgpu", /Vulkan driver/],
    ["noBackend", recorded.noBackend, "coreml", /no coreml for linux-x64/],
    ["oldDriver", composed.oldDriver, "cuda", /too old.*525.*580/],
    ["driverMismatch", composed.driverMismatch, "cuda", /different versions: restart/],
    ["oldCard", composed.oldCard, "cuda", /no code for this GPU/],
    ["illegal", composed.illegal, "cuda", /cannot use it any more/],
    ["full", composed.full, "cuda", /memory of the device is full/],
    ["arena", composed.arena, "cuda", /memory of the device is full/],
  ])("reads %s", (_, text, device, advice) => {
    expect(of(text, ready, device)).toMatch(advice);
  });

  it("says nothing about what it does not know", () => {
    expect(of("something else broke")).toBeUndefined();
  });
});
