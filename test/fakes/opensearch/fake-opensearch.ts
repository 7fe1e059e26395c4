import { check, checkNames, type FakeRequest, FakeServer, type Json, Refusal } from "../fake-server.ts";
import { answerOf, checkClauses, type FakeEngine, type FakeIndex, passes } from "./fake-search.ts";
import { openSearchEngine } from "./open-search-engine.ts";

/**
 * A fake of an OpenSearch cluster over HTTP: it takes the requests that OpenSearch's guides document, as far as the store
 * makes them, and refuses all others. It proves nothing of how the cluster scores or stores.
 */
export class FakeOpenSearch extends FakeServer {
  /** Refuses items of the next bulks with these statuses, by position. */
  readonly itemFailures: Record<number, number | Refusal>[] = [];
  /** Shards that failed, as the next searches, counts and reads by id say. */
  readonly failedShards: number[] = [];
  /** Number of items of each bulk. */
  readonly bulks: number[] = [];
  password: string | undefined;
  /** What the cluster says that it is. */
  version: object = { number: "2.19.1", distribution: "opensearch" };
  readonly indexes = new Map<string, FakeIndex>();
  protected readonly engine: FakeEngine = openSearchEngine;
  /** Indexes by alias, each of one. */
  readonly aliases = new Map<string, string>();
  /** True to make the next change of aliases, and answer with a failure. */
  losesSwitch = false;
  /** What an alias has beside its index, such as a filter. */
  readonly aliasSettings = new Map<string, object>();

  static start(): Promise<FakeOpenSearch> {
    return new FakeOpenSearch().listen();
  }

  protected success(result: unknown): unknown {
    return result;
  }

  protected failure(status: number, type: string, reason: string): Json {
    return { error: { type, reason }, status };
  }

  protected answer({ method, url, headers, body: bytes }: FakeRequest): unknown {
    const text = bytes.toString("utf8");
    this.checkHeaders(headers);
    if (`${method} ${url.pathname}` === "GET /") return { version: this.version };
    if (url.pathname === "/_aliases") {
      const answer = this.changeAliases(JSON.parse(text));
      if (!this.losesSwitch) return answer;
      this.losesSwitch = false;
      throw new Refusal(503, "the answer was lost");
    }
    const [, first = "", second = "", third = ""] = url.pathname.split("/");
    if (`${method} ${first}` === "GET _alias") return this.aliasAnswer(second);
    const name = this.aliases.get(first) ?? first;
    const action = third === "" ? second : `${second}/${third}`;
    const call = `${method} ${action}`;
    const whole = this.indexes.get(name);
    const index = whole && routed(whole, action.startsWith("_bulk") ? null : url.searchParams.get("routing"));
    if (call === "PUT ") return this.create(name, JSON.parse(text));
    if (index === undefined) throw new Refusal(404, `no such index [${name}]`);
    switch (call) {
      case "GET _mapping":
        return { [name]: { mappings: { _meta: index.meta, properties: index.properties } } };
      case "DELETE ":
        check(
          first === name,
          "The provided expression matches an alias, specify the corresponding concrete indices instead.",
        );
        this.indexes.delete(name);
        for (const [alias, target] of this.aliases) if (target === name) this.aliases.delete(alias);
        return { acknowledged: true };
      case "POST _mapping":
      case "PUT _mapping": {
        const body: unknown = JSON.parse(text);
        checkNames("mapping", body, ["_meta"]);
        index.meta = body._meta;
        return { acknowledged: true };
      }
      case "POST _bulk":
      case "PUT _bulk":
        check(["wait_for", "true", "false"].includes(url.searchParams.get("refresh") ?? ""), "refresh");
        return this.bulk(index, text);
      case "POST _mget": {
        const body: unknown = JSON.parse(text);
        checkNames("mget", body, ["docs"]);
        const shardFailed = (this.failedShards.shift() ?? 0) > 0;
        return {
          docs: (body.docs as Json[]).map((asked) => {
            checkNames("document", asked, ["_id", "routing"]);
            const { _id, routing } = asked as { _id: string; routing?: string };
            if (shardFailed) return { _id, error: { type: "no_shard_available_action_exception" } };
            // By another routing, a cluster looks at another shard.
            const _source = index.routings?.get(_id) === routing ? index.documents.get(_id) : undefined;
            return _source === undefined ? { _id, found: false } : { _id, found: true, _source };
          }),
        };
      }
      case "POST _count": {
        const body: unknown = JSON.parse(text);
        checkNames("count", body, ["query"]);
        checkClauses(body.query, this.engine);
        const count = [...index.documents.values()].filter((document) =>
          passes(body.query, document, this.engine),
        ).length;
        return { count, _shards: { failed: this.failedShards.shift() ?? 0 } };
      }
      case "POST _search":
        return {
          timed_out: false,
          _shards: { failed: this.failedShards.shift() ?? 0 },
          ...answerOf(index, JSON.parse(text), this.engine),
        };
      default:
        throw new Refusal(405, `no such call: ${call}`);
    }
  }

  /** As a cluster answers: 404 for an alias that does not exist, and for an index. */
  private aliasAnswer(alias: string): Json {
    const index = this.aliases.get(alias);
    if (index === undefined) throw new Refusal(404, `alias [${alias}] missing`);
    return { [index]: { aliases: { [alias]: this.aliasSettings.get(alias) ?? {} } } };
  }

  /** All of the actions, or none. */
  private changeAliases(body: unknown): Json {
    checkNames("aliases", body, ["actions"]);
    const changed = new Map(this.aliases);
    for (const action of body.actions as Json[]) {
      checkNames("action", action, ["add", "remove"]);
      const [[kind, given] = ["", undefined]] = Object.entries(action);
      checkNames(kind, given, kind === "add" ? ["index", "alias"] : ["index", "alias", "must_exist"]);
      const { index, alias } = given as { index: string; alias: string };
      if (!this.indexes.has(index))
        throw new Refusal(404, `no such index [${index}]`, "index_not_found_exception");
      check(!this.indexes.has(alias), "an index or data stream exists with the same name as the alias");
      if (kind === "add") changed.set(alias, index);
      else if (changed.get(alias) === index) changed.delete(alias);
      else throw new Refusal(404, `aliases [${alias}] missing`, "aliases_not_found_exception");
    }
    this.aliases.clear();
    for (const [alias, index] of changed) this.aliases.set(alias, index);
    return { acknowledged: true };
  }

  protected checkHeaders({ authorization }: FakeRequest["headers"]): void {
    if (this.password === undefined) return;
    const wanted = `Basic ${Buffer.from(`admin:${this.password}`).toString("base64")}`;
    if (authorization !== wanted) throw new Refusal(401, "Unauthorized");
  }

  protected create(name: string, body: unknown): Json {
    checkNames("index", body, ["mappings", "settings"]);
    checkNames("mappings", body.mappings, ["dynamic", "_meta", "properties"]);
    const { _meta: meta, properties } = body.mappings as {
      _meta: unknown;
      properties: FakeIndex["properties"];
    };
    for (const property of Object.values(properties)) {
      check(["keyword", "object", "rank_features", "knn_vector"].includes(property.type), property.type);
    }
    check(!this.indexes.has(name) && !this.aliases.has(name), "resource_already_exists_exception");
    this.indexes.set(name, { meta, properties, documents: new Map() });
    return { acknowledged: true, index: name };
  }

  private bulk(index: FakeIndex, text: string): Json {
    check(text.endsWith("\n"), "The bulk request must be terminated by a newline [\\n]");
    const lines = text.trimEnd().split("\n");
    const refused = this.itemFailures.shift() ?? {};
    const items: Json[] = [];
    for (let line = 0; line < lines.length; line++) {
      const action = JSON.parse(lines[line]!) as Json;
      const [kind = ""] = Object.keys(action);
      check(kind === "index" || kind === "delete", `Malformed action/metadata line [${line + 1}]`);
      checkNames(kind, action[kind], ["_id", "routing"]);
      const { _id, routing } = action[kind] as { _id: string; routing?: string };
      check(Buffer.byteLength(_id) <= 512, "id is too long, must be no longer than 512 bytes");
      const source = kind === "index" ? (JSON.parse(lines[++line]!) as Json) : undefined;
      const refusal = refused[items.length];
      if (refusal !== undefined) {
        const { status, type, message } =
          typeof refusal === "number" ? new Refusal(refusal, "it was told to fail") : refusal;
        items.push({ [kind]: { _id, status, error: { type, reason: message } } });
      } else if (source !== undefined) {
        const problem = this.problemOf(index, source);
        if (problem === undefined) {
          index.documents.set(_id, source);
          index.routings ??= new Map();
          if (routing !== undefined) index.routings.set(_id, routing);
        }
        const outcome =
          problem === undefined
            ? { status: 201, result: "created" }
            : { status: 400, error: { type: "mapper_parsing_exception", reason: problem } };
        items.push({ index: { _id, ...outcome } });
      } else {
        const deleted = index.routings?.get(_id) === routing && index.documents.delete(_id);
        items.push({
          delete: { _id, status: deleted ? 200 : 404, result: deleted ? "deleted" : "not_found" },
        });
      }
    }
    this.bulks.push(items.length);
    return { took: 1, errors: Object.keys(refused).length > 0, items };
  }

  /** Why a document does not fit the mapping. */
  protected problemOf({ properties }: FakeIndex, source: Json): string | undefined {
    for (const [name, { type, dimension }] of Object.entries(properties)) {
      const value = source[name];
      if (value === undefined) continue;
      if (type === "keyword" && [value].flat().some((one) => Buffer.byteLength(String(one)) > 32_766)) {
        const isIndexed = ["key", "terms", "bounds"].includes(name);
        if (isIndexed) return `immense term in field ${name}`;
      }
      if (type === "knn_vector" && (value as number[]).length !== dimension)
        return "Vector dimension mismatch";
      if (type !== "rank_features") continue;
      for (const [feature, weight] of Object.entries(value as Record<string, number>)) {
        if (feature.includes(".")) return "feature names must not contain dots";
        if (!(weight > 0)) return "rank_features fields only support strictly positive values";
      }
    }
    return undefined;
  }
}

/** What a search by a routing sees: here each routing has a shard of its own. */
function routed(index: FakeIndex, routing: string | null): FakeIndex {
  if (routing === null) return index;
  const documents = [...index.documents].filter(([_id]) => index.routings?.get(_id) === routing);
  return { ...index, documents: new Map(documents) };
}
