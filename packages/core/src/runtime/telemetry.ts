/** Read by the ONNX Runtime when its library is loaded: `1`, `true` and `yes` turn its telemetry off. */
const variable = "ORT_DISABLE_TELEMETRY";

/**
 * Turns the ONNX Runtime's telemetry off, unless the user's environment says something about it. To be called before any
 * thread loads the runtime, whose threads read the environment of the process.
 *
 * In a worker thread of the user's own, `process.env` is a copy that the runtime does not see: there the variable has to
 * be set for the process, or in the main thread.
 */
export function turnTelemetryOff(): void {
  process.env[variable] ??= "1";
}
