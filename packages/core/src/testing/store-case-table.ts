import type { Store } from "../stores/index.ts";

/** Cases of the conformance suite before they have a store, by name. */
export type StoreCaseTable = Readonly<Record<string, (store: Store) => Promise<void>>>;
