export { checkMetadata } from "./metadata.ts";
export * from "./public.ts";
export type { BoundEncoder } from "./store.ts";
export { checkVectors, isName, nameRule } from "./store-arguments.ts";
