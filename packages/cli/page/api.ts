import type {
  Evaluation,
  Explanation,
  SearchAnswer,
  SearchSettings,
  ServerInfo,
  TakenJudgements,
} from "./api-types.ts";

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
  search: (query: string, k: number, settings: SearchSettings, signal: AbortSignal) =>
    ask<SearchAnswer>("POST", "/search", { query, k, explain: true, ...fieldsOf(settings) }, signal),
  evaluate: (settings: SearchSettings, offset: number, limit: number, signal: AbortSignal) =>
    ask<Evaluation>("POST", "/evaluate", { offset, limit, ...fieldsOf(settings) }, signal),
  sendJudgements: (queries: string, qrels: string) =>
    ask<TakenJudgements>("PUT", "/judgements", { queries, qrels }),
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

/** Settings as fields of a request. */
function fieldsOf({ model, fusion, weights, maxActiveDims }: SearchSettings): object {
  return { model, fusion, weights, max_active_dims: maxActiveDims };
}

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
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  throw new ApiFailure(response.status, answer.error ?? `The server answered ${response.status}.`);
}
