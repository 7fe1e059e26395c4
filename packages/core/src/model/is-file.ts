import { stat } from "node:fs/promises";

/** True if there is a file of that path. */
export async function isFile(file: string): Promise<boolean> {
  const found = await stat(file).catch(() => undefined);
  return found?.isFile() === true;
}
