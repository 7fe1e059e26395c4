import { check, checkNames, type FakeRequest, type Json, Refusal } from "../fake-server.ts";
import { FakeOpenSearch } from "../opensearch/fake-opensearch.ts";
import type { FakeEngine, FakeIndex } from "../opensearch/fake-search.ts";
import { elasticsearchEngine } from "./elasticsearch-engine.ts";

/** Whether an index gives documents without their vectors, which versions from 9.2 on do unless they are told not to. */
const withoutVectors = new WeakSet<object>();

/**
 * A fake of an Elasticsearch cluster over HTTP: it takes the requests that Elastic's documentation has, as far as the store makes
 * them, and refuses all others. It proves nothing of how the cluster scores or stores.
 */
export class FakeElasticsearch extends FakeOpenSearch {
  override version: object = { number: "9.2.0", build_flavor: "default" };
  /** The key of the API; undefined for none. */
  apiKey: string | undefined;
  protected override readonly headers = { "x-elastic-product": "Elasticsearch" };
  protected override readonly engine: FakeEngine = elasticsearchEngine;

  static override start(): Promise<FakeElasticsearch> {
    return new FakeElasticsearch().listen();
  }

  protected override answer(request: FakeRequest): unknown {
    const [, name = "", action = ""] = request.url.pathname.split("/");
    const index = this.indexes.get(name);
    const answer = super.answer(request);
    if (index === undefined || !withoutVectors.has(index.properties)) return answer;
    return action === "_search" || action === "_mget" ? stripVectors(answer, index) : answer;
  }

  protected override checkHeaders(headers: FakeRequest["headers"]): void {
    super.checkHeaders(headers);
    if (this.apiKey !== undefined && headers.authorization !== `ApiKey ${this.apiKey}`) {
      throw new Refusal(401, "unable to authenticate with provided credentials", "security_exception");
    }
    const [, client] = /compatible-with=(\d+)/.exec(headers.accept ?? "") ?? [];
    // Other clients name no version.
    if (client === undefined) return;
    const [major] = this.numbers();
    if (Number(client) > major || Number(client) < major - 1) {
      throw new Refusal(
        400,
        `Accept version must be either version ${major} or ${major - 1}, but found ${client}.`,
        "media_type_header_exception",
      );
    }
  }

  protected override create(name: string, body: unknown): Json {
    checkNames("index", body, ["mappings", "settings"]);
    checkNames("mappings", body.mappings, ["dynamic", "_meta", "properties"]);
    const settings = (body.settings ?? {}) as Json;
    const setting = "index.mapping.exclude_source_vectors";
    checkNames("settings", settings, [setting]);
    const [major, minor] = this.numbers();
    const isKnown = major > 9 || (major === 9 && minor >= 2);
    check(settings[setting] === undefined || isKnown, `unknown setting [${setting}]`);
    const { _meta: meta, properties } = body.mappings as {
      _meta: unknown;
      properties: FakeIndex["properties"];
    };
    for (const property of Object.values(properties)) checkProperty(property);
    check(!this.indexes.has(name), "resource_already_exists_exception");
    this.indexes.set(name, { meta, properties, documents: new Map() });
    if (isKnown && settings[setting] !== false) withoutVectors.add(properties);
    return { acknowledged: true, shards_acknowledged: true, index: name };
  }

  protected override problemOf(index: FakeIndex, source: Json): string | undefined {
    for (const [name, property] of Object.entries(index.properties)) {
      const { type, dims, similarity } = property as Json;
      const value = source[name];
      if (value === undefined) continue;
      if (type === "dense_vector") {
        const vector = value as number[];
        if (vector.length !== dims)
          return `The [dense_vector] field [${name}] has a different number of dimensions`;
        const isZero = vector.every((part) => part === 0);
        if (similarity === "cosine" && isZero)
          return "The [cosine] similarity does not support vectors with zero magnitude";
      }
      if (type !== "sparse_vector") continue;
      for (const [feature, weight] of Object.entries(value as Record<string, number>)) {
        if (feature.includes(".")) return "[sparse_vector] fields do not support dots in feature names";
        if (!(weight > 0)) return "[sparse_vector] fields only support strictly positive values";
      }
    }
    return super.problemOf(index, source);
  }

  private numbers(): [major: number, minor: number] {
    const { number } = this.version as { number: string };
    return number.split(".").map(Number) as [number, number];
  }
}

function checkProperty(property: Json): void {
  const { type, dims, index, similarity } = property;
  check(["sparse_vector", "dense_vector", "keyword", "object"].includes(type as string), `${type}`);
  if (type === "sparse_vector") checkNames("sparse_vector", property, ["type"]);
  if (type !== "dense_vector") return;
  checkNames("dense_vector", property, ["type", "dims", "index", "similarity"]);
  check(
    (dims as number) >= 1 && (dims as number) <= 4096,
    `The number of dimensions should be in the range [1, 4096]`,
  );
  check(
    index === true || similarity === undefined,
    "Field [similarity] can only be specified for an indexed field",
  );
  check(
    similarity === undefined || ["cosine", "max_inner_product", "l2_norm"].includes(similarity as string),
    "similarity",
  );
}

/** The answer without the fields of vectors. */
function stripVectors(answer: unknown, { properties }: FakeIndex): unknown {
  const isVector = (name: string) => /_vector$/.test((properties[name]?.type as string | undefined) ?? "");
  return JSON.parse(JSON.stringify(answer), (key, value: unknown) => (isVector(key) ? undefined : value));
}
