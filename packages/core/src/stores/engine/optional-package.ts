import { SparseEncoderError } from "../../errors.ts";

/**
 * Handles the failure of importing packages that only some users need: `import("pg").catch(notInstalled(…))`. Bundlers
 * that find a package absent let the build pass, since its failure is handled at the call itself.
 *
 * @param feature what needs the packages
 * @param packages names with versions, separated by blanks
 * @returns a function that throws `MISSING_PACKAGE`, with the line that installs them, or the error that it was given
 */
export function notInstalled(feature: string, packages: string): (error: unknown) => never {
  return (error) => {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ERR_MODULE_NOT_FOUND" && code !== "MODULE_NOT_FOUND") throw error;
    throw new SparseEncoderError(
      "MISSING_PACKAGE",
      `${feature} needs ${packages.split(" ").join(" and ")}. Install: npm install ${packages}`,
      { cause: error },
    );
  };
}
