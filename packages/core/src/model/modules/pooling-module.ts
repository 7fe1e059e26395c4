import { received, SparseEncoderError } from "../../errors.ts";
import { type PoolingMode, type PoolingModule, poolingModes } from "../description.ts";
import { setting } from "../json-file.ts";
import { type ListedModule, type ModuleSettings, readModuleSettings } from "./module-settings.ts";

/** Switches of older files, one per mode, in the order in which the modes are put side by side. */
const switches: Readonly<Record<string, PoolingMode>> = {
  pooling_mode_cls_token: "cls",
  pooling_mode_max_tokens: "max",
  pooling_mode_mean_tokens: "mean",
  pooling_mode_mean_sqrt_len_tokens: "mean_sqrt_len",
  pooling_mode_weightedmean_tokens: "weightedmean",
  pooling_mode_lasttoken: "lasttoken",
};

/** Names that files give to modes beside those of {@link poolingModes}. */
const otherNames: Readonly<Record<string, PoolingMode>> = { mean_sqrt_len_tokens: "mean_sqrt_len" };

/** Reads a `Pooling` module. */
export async function readPooling(module: ListedModule): Promise<PoolingModule> {
  const settings = await readModuleSettings(module);
  return {
    kind: "Pooling",
    modes: readPoolingModes(settings),
    includePrompt: setting(settings.json, "include_prompt", true, settings.file),
  };
}

function readPoolingModes({ json, file }: ModuleSettings): PoolingMode[] {
  const named = json.pooling_mode;
  const names = named === undefined || named === null ? switchedModes({ json, file }) : [named].flat();
  if (names.length === 0) return ["mean"];
  return names.map((name) => {
    const other = typeof name === "string" && Object.hasOwn(otherNames, name) ? otherNames[name] : undefined;
    const mode = poolingModes.find((known) => known === name) ?? other;
    if (mode === undefined) throw unsupportedMode(name, file);
    return mode;
  });
}

function switchedModes({ json, file }: ModuleSettings): PoolingMode[] {
  for (const key of Object.keys(json)) {
    const isUnknown = key.startsWith("pooling_mode_") && !Object.hasOwn(switches, key);
    if (isUnknown && setting(json, key, false, file)) throw unsupportedMode(key, file);
  }
  return Object.entries(switches)
    .filter(([key]) => setting(json, key, false, file))
    .map(([, mode]) => mode);
}

function unsupportedMode(name: unknown, file: string): SparseEncoderError {
  return new SparseEncoderError(
    "MODEL_UNSUPPORTED",
    `${file}: the pooling mode ${received(name)} is not supported. Supported: ${poolingModes.join(", ")}.`,
  );
}
