import { invalidArgument, received } from "../../errors.ts";
import { declareOptions, flag, unchecked } from "../../options/index.ts";
import {
  checkOneOf,
  engineRules,
  type ResolvedEngineOptions,
  resolveEngineOptions,
} from "../engine/engine-options.ts";
import type { VectorSchema } from "../store.ts";
import type { QdrantConnection } from "./qdrant-client.ts";
import { checkLayout, type QdrantLayout, type ResolvedLayout } from "./qdrant-layout.ts";

/** Options of `QdrantStore.open`. One of `url` and `client` says where the server is. */
export interface QdrantStoreOptions {
  /** A server or cloud endpoint, such as `http://localhost:6333`. Needs the package `@qdrant/js-client-rest`. */
  readonly url?: string | undefined;
  /** A `QdrantClient`. */
  readonly client?: QdrantConnection | undefined;
  /** Key of the server; in no error. Default: none. */
  readonly apiKey?: string | undefined;
  /** Name of the collection; made if missing. Default `documents`. */
  readonly collection?: string | undefined;
  /** Vectors by name. Needed to make the collection; none can be added later. */
  readonly vectors?: VectorSchema | undefined;
  /** A name of the model or models of the vectors, kept with them. */
  readonly model?: string | undefined;
  /**
   * Reads a collection that another program made; `{}` for one of LangChain's Python package. Its vectors must be declared in
   * `vectors`; ids are the ids of points. It is read only, and filters compare with strings, numbers and booleans only.
   */
  readonly layout?: QdrantLayout | undefined;
  /** False lets dense searches use the approximate index. Sparse ones are exact always. Default true. */
  readonly exact?: boolean | undefined;
  /** Milliseconds that a request may take. Default 60,000. */
  readonly timeout?: number | undefined;
  /** How often a request is tried again after a lost connection or an overloaded server. Default 5. */
  readonly retries?: number | undefined;
  /** Requests under way at once that write, over all calls of the store. Default 4. */
  readonly writesAtOnce?: number | undefined;
}

/** Options after they were checked. */
export interface ResolvedQdrantOptions extends ResolvedEngineOptions {
  readonly collection: string;
  readonly exact: boolean;
  /** Undefined for collections of the store. */
  readonly layout: ResolvedLayout | undefined;
}

const call = "QdrantStore.open";
const qdrantOptions = declareOptions<QdrantStoreOptions>()({
  ...engineRules,
  url: unchecked<string>(),
  client: unchecked<QdrantConnection>(),
  apiKey: unchecked<string>(),
  collection: unchecked<string>().default("documents"),
  layout: unchecked<QdrantLayout>(),
  exact: flag().default(true),
});

/** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
export function checkQdrantOptions(options: QdrantStoreOptions): ResolvedQdrantOptions {
  const checked = qdrantOptions.check(call, options, `${call}: `);
  const { url, client, apiKey, collection, exact } = checked;
  checkOneOf(call, options, ["url", "client"]);
  if (url !== undefined && (typeof url !== "string" || !/^https?:\/\/[^\s@]+$/.test(url))) {
    throw invalidArgument(`${call}: url must be one such as "http://localhost:6333"; keys go into apiKey.`);
  }
  if (apiKey !== undefined && (typeof apiKey !== "string" || apiKey === "" || client !== undefined)) {
    throw invalidArgument(`${call}: apiKey must be a string, and belongs to a url.`);
  }
  // It becomes a part of the path of each request.
  if (typeof collection !== "string" || !/^[A-Za-z0-9_-]{1,200}$/.test(collection)) {
    throw invalidArgument(
      `${call}: collection must be 1 to 200 letters, digits, _ and -, received ${received(collection)}.`,
    );
  }
  const layout = options.layout === undefined ? undefined : checkLayout(call, options.layout);
  if (layout !== undefined && (options.vectors === undefined || options.model !== undefined)) {
    throw invalidArgument(`${call}: with layout, vectors must be declared and no model be named.`);
  }
  return { ...resolveEngineOptions(call, checked), collection, exact, layout };
}
