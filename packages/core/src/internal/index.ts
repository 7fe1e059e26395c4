/**
 * For the other packages of this project only. Nothing here is covered by versions: it may change with every release.
 */
export { received } from "../errors.ts";
export { checkOptionNames } from "../options/index.ts";
