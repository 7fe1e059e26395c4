import { fileURLToPath } from "node:url";

/** The model that ships with the package; src/model and dist/esm or dist/cjs lie equally deep. */
export const embeddedModelFolder: string = fileURLToPath(
  new URL("../../models/splade-tiny", import.meta.url),
);
