import { ApiError } from "./api-error.ts";

/** Aborts when the client of a request has gone, or its time is over. */
export function callSignal(request: Request, timeout: number): AbortSignal {
  const gone = new AbortController();
  request.signal.addEventListener(
    "abort",
    () => gone.abort(new ApiError(408, "Validation", "The client has gone.")),
    { once: true },
  );
  return AbortSignal.any([gone.signal, AbortSignal.timeout(timeout)]);
}
