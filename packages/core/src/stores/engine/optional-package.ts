import { SparseEncoderError } from "../../errors.ts";

/**
 * Imports a package that only some users need.
 * @param load a function with the import in it, so that bundlers see a literal name
 * @throws SparseEncoderError `MISSING_PACKAGE` with the line that installs it
 */
export async function importOptional<Module>(
  feature: string,
  packages: string,
  load: () => Promise<Module>,
): Promise<Module> {
  try {
    return await load();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ERR_MODULE_NOT_FOUND" && code !== "MODULE_NOT_FOUND") throw error;
    throw new SparseEncoderError(
      "MISSING_PACKAGE",
      `${feature} needs ${packages.split(" ").join(" and ")}. Install: npm install ${packages}`,
      { cause: error },
    );
  }
}
