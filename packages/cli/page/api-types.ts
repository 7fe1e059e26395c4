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
  readonly tokens: number;
  readonly max_tokens: number;
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
  readonly model: string;
  readonly fusion: string;
  readonly weights: Readonly<Partial<Record<ArmName, number>>>;
  /** Undefined for all. */
  readonly maxActiveDims: number | undefined;
}

export interface ServerInfo {
  readonly model_id: string;
  readonly model_dtype: string;
  readonly compared_model_ids: readonly string[];
  readonly dimension: number;
  readonly dense_model_id: string | null;
  readonly version: string;
  readonly max_body_bytes: number;
}

/** A query whose ranking was measured. */
export interface MeasuredQuery {
  readonly id: string;
  readonly text: string;
  readonly ndcg_at_10: number;
}

/** Measured queries of a part of the judgements. */
export interface Evaluation {
  readonly total: number;
  readonly queries: readonly MeasuredQuery[];
}

/** What the server took of judgements. */
export interface TakenJudgements {
  readonly queries: number;
  readonly documents: number;
  readonly documents_found: number;
}
