/** A term of a text. */
export interface TextTerm {
  readonly index: number;
  readonly token: string;
  readonly weight: number;
  readonly in_text: boolean;
}

/** A piece of a text, with its token if it is one's. */
export interface TextSegment {
  readonly text: string;
  readonly index?: number;
  readonly token?: string;
  readonly weight?: number;
}

export interface ExplainedText {
  readonly active_dims: number;
  readonly terms: readonly TextTerm[];
  readonly segments: readonly TextSegment[];
}

export interface SharedTerm {
  readonly index: number;
  readonly token: string;
  readonly query_weight: number;
  readonly document_weight: number;
  readonly contribution: number;
  readonly share: number;
}

export interface Explanation {
  readonly query?: ExplainedText;
  readonly document?: ExplainedText;
  readonly score?: number;
  readonly shared?: readonly SharedTerm[];
}

export interface MatchedTerm {
  readonly index: number;
  readonly token?: string;
  readonly contribution: number;
}

export type ArmName = "sparse" | "keyword" | "dense";

export interface ArmPlace {
  readonly rank: number;
  readonly score: number;
  readonly terms?: readonly MatchedTerm[];
}

export interface Hit {
  readonly id: string;
  readonly text: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly fused_score: number;
  readonly arms: Readonly<Partial<Record<ArmName, ArmPlace>>>;
  readonly grade?: number;
}

export interface SearchAnswer {
  readonly hits: readonly Hit[];
  readonly ndcg_at_10?: number;
}

export interface SearchSettings {
  readonly fusion: string;
  readonly weights: Readonly<Partial<Record<ArmName, number>>>;
  /** Undefined for all. */
  readonly maxActiveDims: number | undefined;
}

export interface ServerInfo {
  readonly model_id: string;
  readonly model_dtype: string;
  readonly dimension: number;
  readonly dense_model_id: string | null;
  readonly version: string;
}

/** An answer other than the one that was hoped for. */
export class ApiFailure extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const keyName = "sparse-encoder-key";

export function setApiKey(key: string): void {
  sessionStorage.setItem(keyName, key);
}

export const api = {
  info: () => ask<ServerInfo>("GET", "/info"),
  explain: (body: object, signal: AbortSignal) => ask<Explanation>("POST", "/explain", body, signal),
  search: (
    query: string,
    k: number,
    { fusion, weights, maxActiveDims }: SearchSettings,
    signal: AbortSignal,
  ) =>
    ask<SearchAnswer>(
      "POST",
      "/search",
      { query, k, fusion, weights, explain: true, max_active_dims: maxActiveDims },
      signal,
    ),
  count: async () => (await ask<{ readonly count: number }>("GET", "/documents?limit=1")).count,
  queries: async () =>
    (await ask<{ readonly queries: readonly { readonly text: string }[] }>("GET", "/queries")).queries,
  upload: (file: File) =>
    ask<{ readonly file: string; readonly passages: number }>(
      "PUT",
      `/files/${encodeURIComponent(file.name)}`,
      file,
    ),
};

async function ask<Answer>(
  method: string,
  path: string,
  body?: object,
  signal?: AbortSignal,
): Promise<Answer> {
  const headers = new Headers();
  const key = sessionStorage.getItem(keyName);
  if (key !== null) headers.set("Authorization", `Bearer ${key}`);
  const isFile = body instanceof Blob;
  if (body !== undefined && !isFile) headers.set("Content-Type", "application/json");
  const content = body === undefined ? null : isFile ? body : JSON.stringify(body);
  const response = await fetch(path, { method, headers, body: content, signal: signal ?? null }).catch(
    (error: unknown) => {
      if (signal?.aborted) throw error;
      throw new ApiFailure(0, "The server does not answer. Is it still running?");
    },
  );
  const answer = await response.json();
  if (response.ok) return answer;
  throw new ApiFailure(response.status, answer.error ?? `The server answered ${response.status}.`);
}

/** Keeps one request at a time: a newer one ends the one before. */
export class Latest {
  private controller = new AbortController();

  async run(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.controller.abort();
    const controller = new AbortController();
    this.controller = controller;
    try {
      await work(controller.signal);
    } catch (error) {
      if (!controller.signal.aborted) throw error;
    }
  }
}
