import { z } from "zod";
import { ApiError, invalidRequest } from "../api-error.ts";
import type { ServerContext } from "../server-context.ts";

/** A text or several. Token ids, which text-embeddings-inference takes too, are refused. */
export const inputsSchema = z.union([z.string(), z.array(z.string())]);

/**
 * The texts of a request, checked against its limits.
 * @param field name of the field that has them
 */
export function textsOf(
  inputs: string | readonly string[],
  { limits }: ServerContext,
  field = "inputs",
): readonly string[] {
  const texts = typeof inputs === "string" ? [inputs] : inputs;
  if (texts.length === 0) throw invalidRequest(`\`${field}\` is empty: give at least one text.`);
  if (texts.length > limits.requestTexts) {
    throw new ApiError(
      413,
      "Validation",
      `The request has ${texts.length} texts; at most ${limits.requestTexts} are taken at once.`,
    );
  }
  return texts;
}

/** Checks that a prompt is one of a model's. */
export function checkPrompt(
  name: string | null | undefined,
  prompts: Readonly<Record<string, string>>,
): void {
  if (name === undefined || name === null || Object.hasOwn(prompts, name)) return;
  const known = Object.keys(prompts).join(", ");
  throw invalidRequest(
    `prompt_name ${JSON.stringify(name)} is none of the model's${known ? `: ${known}` : ", which has none"}.`,
  );
}
