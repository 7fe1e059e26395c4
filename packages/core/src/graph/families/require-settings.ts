import type { JsonObject } from "../../model/index.ts";
import { unsupportedSetting } from "../unsupported.ts";

/** Refuses settings that would give other vectors; absent settings and null change nothing. */
export function requireSettings(
  config: JsonObject,
  file: string,
  allowed: Readonly<Record<string, readonly unknown[]>>,
): void {
  for (const [key, values] of Object.entries(allowed)) {
    const value = config[key] ?? null;
    if (value === null || values.includes(value)) continue;
    throw unsupportedSetting(file, key, value, values);
  }
}
