import { ApiError } from "./api-error.ts";

/** Does the work of a request. Its signal aborts when the client has gone, or the time of the request is over. */
export async function withinTime<Result>(
  request: Request,
  timeout: number,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const over = new AbortController();
  request.signal.addEventListener(
    "abort",
    () => over.abort(new ApiError(408, "Validation", "The client has gone.")),
    { once: true },
  );
  // Signals of AbortSignal.timeout and any live on until they are collected, and cost more than the rest of a short request.
  const timer = setTimeout(
    () => over.abort(new DOMException("The time of the request is over.", "TimeoutError")),
    timeout,
  ).unref();
  try {
    return await work(over.signal);
  } finally {
    clearTimeout(timer);
  }
}
