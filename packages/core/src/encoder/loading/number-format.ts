import type { CompiledModel } from "../../graph/index.ts";
import type { Device } from "../../runtime/index.ts";

/** Number formats that a model can be loaded in; {@link LoadOptions} says what each costs. */
export const dtypes = ["fp32", "tf32", "fp16", "int8"] as const;

export type Dtype = (typeof dtypes)[number];

/** What a device really multiplies. */
export type Computation = "float32" | "tf32" | "float16" | "int8";

/** Half precision and TF32 are formats of graphics processors; other devices compute in float32 with the stored weights. */
export function computationOf(dtype: Dtype, device: Device, model: CompiledModel): Computation {
  if (dtype === "int8") return "int8";
  if (device.kind !== "cuda" || dtype === "fp32") return "float32";
  if (dtype === "tf32") return "tf32";
  return model.wide?.half === true ? "float16" : "float32";
}
