/** The status and the body of an answer. */
export async function readAnswer(answering: Promise<Response>): Promise<[number, Record<string, unknown>]> {
  const response = await answering;
  return [response.status, (await response.json()) as Record<string, unknown>];
}
