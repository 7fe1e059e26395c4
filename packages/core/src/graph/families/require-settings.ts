import { received, SparseEncoderError } from "../../errors.ts";
import type { JsonObject } from "../../model/index.ts";

/** Refuses settings that would give other vectors; absent settings and null change nothing. */
export function requireSettings(
  config: JsonObject,
  file: string,
  allowed: Readonly<Record<string, readonly unknown[]>>,
): void {
  for (const [key, values] of Object.entries(allowed)) {
    const value = config[key] ?? null;
    if (value === null || values.includes(value)) continue;
    throw new SparseEncoderError(
      "MODEL_UNSUPPORTED",
      `${file}: "${key}": ${received(value)} is not supported. Supported: ${values.length === 0 ? "none" : values.map(received).join(", ")}.`,
    );
  }
}
