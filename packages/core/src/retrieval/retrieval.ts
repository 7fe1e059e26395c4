import { Deadline } from "../calls/index.ts";
import { messageOf, SparseEncoderError, type SparseEncoderErrorCode } from "../errors.ts";
import type { Store } from "../stores/index.ts";
import type { Arm, StoreArm } from "./arms/arm.ts";
import { type ArmAnswer, searchArm } from "./arms/arm-search.ts";
import { searchNative } from "./arms/native-search.ts";
import type { QueryVectors } from "./arms/query-vectors.ts";
import { armsFor, type CheckedQuery } from "./retrieval-query.ts";
import {
  type ArmFailure,
  type RetrievalResult,
  type RetrievedDocument,
  toResult,
} from "./retrieval-result.ts";
import type { RetrieveCall } from "./retrieve-call.ts";
import { type Candidate, documentsOf } from "./steps/candidate.ts";
import { diversify } from "./steps/diversify.ts";
import { explain } from "./steps/explain.ts";
import { fuse } from "./steps/fuse.ts";
import { isFilterOnly, listPassing } from "./steps/list-passing.ts";
import { rerank } from "./steps/rerank.ts";
import { transform } from "./steps/transform.ts";

/** Failures that may pass, or that are not the fault of the set-up: other arms can well answer without the arm. */
const passingFailures: readonly SparseEncoderErrorCode[] = [
  "NETWORK",
  "STORE_FAILED",
  "STORE_LOCKED",
  "TIMEOUT",
  "WORKER_FAILED",
  "ARM_FAILED",
  "RERANK_FAILED",
];

/**
 * One query on its way through a retriever:
 *
 *   ask all arms at once ─▶ fuse ─▶ rerank ─▶ diversify ─▶ drop low scores ─▶ explain ─▶ transform
 */
export class Retrieval {
  private readonly call: RetrieveCall;
  private readonly query: CheckedQuery;
  private readonly vectors: QueryVectors;
  private readonly stores: readonly Store[];
  private readonly deadline: Deadline;
  private readonly asked: readonly Arm[];
  private readonly answers = new Map<Arm, ArmAnswer>();
  private readonly failures: ArmFailure[] = [];

  /**
   * @param stores where documents are looked up that an arm finds without text
   * @param deadline of the whole call
   */
  constructor(
    call: RetrieveCall,
    query: CheckedQuery,
    vectors: QueryVectors,
    stores: readonly Store[],
    deadline: Deadline,
  ) {
    this.call = call;
    this.query = query;
    this.vectors = vectors;
    this.stores = stores;
    this.deadline = deadline;
    this.asked = armsFor(call.name, query, call.arms, call.asked);
  }

  /** The documents found, best first. */
  async run(): Promise<RetrievalResult> {
    const started = performance.now();
    const documents = await this.finish(await this.search());
    this.call.onEvent({
      type: "retrieve",
      queries: 1,
      hits: documents.length,
      failedArms: this.failures.map(({ arm }) => arm),
      milliseconds: performance.now() - started,
    });
    return toResult(documents, this.failures);
  }

  /** What the arms find, in one ranking. */
  private async search(): Promise<readonly Candidate[]> {
    const { call, query, vectors, deadline, asked } = this;
    const fused =
      call.native === undefined
        ? await this.searchArms()
        : await searchNative(call, call.native, asked.filter(isStoreArm), query, vectors, deadline);
    if (fused.length > 0 || !isFilterOnly(call, query.text)) return this.rank(fused);
    return listPassing(call, asked, deadline);
  }

  private async searchArms(): Promise<Candidate[]> {
    await Promise.all(this.asked.map((arm) => this.ask(arm)));
    if (this.answers.size > 0) return fuse(this.call, this.answers);
    const reasons = this.failures.map(({ arm, error }) => `${arm}: ${messageOf(error)}`).join(" ");
    throw armFailed(`All arms failed. ${reasons}`, this.failures[0]!.error);
  }

  /** Asks one arm. Its failure is noted, or fails the call. */
  private async ask(arm: Arm): Promise<void> {
    const { call, query, vectors, stores } = this;
    const started = performance.now();
    using own = new Deadline(this.deadline, arm.timeout, `The arm ${arm.name}`);
    call.onEvent({ type: "armStart", arm: arm.name, queries: 1 });
    const [outcome] = await Promise.allSettled([searchArm(arm, { query, vectors, call, stores }, own)]);
    if (outcome.status === "rejected") {
      own.end(outcome.reason);
      this.fail(arm, outcome.reason, performance.now() - started);
      return;
    }
    const { hits, encodeMilliseconds, searchMilliseconds } = outcome.value;
    this.answers.set(arm, outcome.value);
    call.onEvent({
      type: "arm",
      arm: arm.name,
      queries: 1,
      hits: hits.length,
      results: [hits],
      encodeMilliseconds,
      searchMilliseconds,
    });
  }

  private fail(arm: Arm, error: unknown, milliseconds: number): void {
    const { call, deadline } = this;
    if (SparseEncoderError.is(error, "INVALID_FILTER")) throw error;
    const isLate = SparseEncoderError.is(error, "TIMEOUT");
    if (deadline.signal.aborted && !(call.degrade && isLate)) throw error;
    call.onEvent({ type: "armFailed", arm: arm.name, error, milliseconds });
    if (!call.degrade) {
      const advice = this.asked.length > 1 && mayPass(error) ? call.armAdvice : "";
      throw armFailed(`The arm ${arm.name} failed: ${messageOf(error)}${advice}`, error);
    }
    this.failures.push({ arm: arm.name, error });
    this.failures.sort((a, b) => (a.arm < b.arm ? -1 : 1));
  }

  /** Reranks and diversifies, where the call asks for it. */
  private async rank(fused: readonly Candidate[]): Promise<readonly Candidate[]> {
    const { call, query, deadline } = this;
    if (fused.length === 0) return fused;
    const ranked =
      call.rerank === undefined ? fused : await rerank(call, call.rerank, query.text, fused, deadline);
    return call.mmr === undefined ? ranked : diversify(call, call.mmr, ranked, deadline);
  }

  private async finish(ranked: readonly Candidate[]): Promise<RetrievedDocument[]> {
    const { call, query, deadline, answers } = this;
    const { transform: change, transformK, minScore } = call;
    const count = change === undefined ? call.k : transformK;
    const kept = ranked.slice(0, count).filter(({ document }) => document.score >= minScore);
    const documents = documentsOf(call.explain ? await explain(kept, answers, deadline) : kept);
    return change === undefined ? documents : transform(call, change, query.text, documents, deadline);
  }
}

function isStoreArm(arm: Arm): arm is StoreArm {
  return arm.source !== undefined;
}

function mayPass(error: unknown): boolean {
  return !SparseEncoderError.is(error) || passingFailures.includes(error.code);
}

function armFailed(message: string, cause: unknown): SparseEncoderError {
  return new SparseEncoderError("ARM_FAILED", message, { cause });
}
