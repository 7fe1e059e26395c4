import type { z } from "zod";
import { ApiError, invalidRequest } from "./api-error.ts";

/**
 * The bytes of a body, read no further than the limit. Packed bodies are refused: a small one can hold gigabytes.
 * @throws ApiError 413 or 415
 */
export async function readBody(request: Request, limit: number): Promise<Uint8Array> {
  const packing = request.headers.get("content-encoding");
  if (packing !== null && packing !== "identity") {
    throw new ApiError(415, "Validation", `Bodies packed with ${packing.slice(0, 40)} are not taken.`);
  }
  const length = request.headers.get("content-length");
  const announced = Number(length ?? 0);
  const tooLarge = () =>
    new ApiError(
      413,
      "Validation",
      `The body has more than the ${limit} bytes that are taken; --max-body sets the limit.`,
    );
  if (announced > limit) throw tooLarge();
  // The parser of HTTP gives no more than the length that was announced, so this body needs no stream.
  if (length !== null) return new Uint8Array(await request.arrayBuffer());
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > limit) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/**
 * A JSON body, checked.
 * @throws ApiError 415 or 422, naming the field that is wrong
 */
export async function readJson<Body>(
  request: Request,
  schema: z.ZodType<Body>,
  limit: number,
): Promise<Body> {
  // A page of a foreign origin can send a form or plain text without asking first, but no JSON.
  const type = request.headers.get("content-type") ?? "";
  if (!/^application\/(json|[\w.+-]+\+json)\s*(;|$)/i.test(type)) {
    throw new ApiError(
      415,
      "Validation",
      `The body must be application/json, received ${JSON.stringify(type.slice(0, 40))}.`,
    );
  }
  const bytes = await readBody(request, limit);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw invalidRequest(`The body is not JSON: ${(error as Error).message}`);
  }
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const issues = error.issues.slice(0, 3).map(({ path, message }) => {
    const name = path.map(String).join(".").slice(0, 80);
    return name === "" ? message : `${name}: ${message}`;
  });
  throw invalidRequest(issues.join("; "));
}
