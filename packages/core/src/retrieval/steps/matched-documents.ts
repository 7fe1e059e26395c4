import type { Arm } from "../arms/arm.ts";
import type { ArmHit } from "../arms/arm-query.ts";
import type { ArmAnswer } from "../arms/arm-search.ts";
import type { Rankings, ScoredId } from "../rankings.ts";
import type { ArmPlace } from "../retrieval-result.ts";

/** Stands before a text that is a name, so that it is never the id of another document. */
const textMark = "\u0000text:";

/** A hit with its place. */
interface PlacedHit {
  readonly arm: string;
  readonly hit: ArmHit;
  readonly key: string | undefined;
  /** From 1. */
  readonly rank: number;
}

/** A document that one or several arms found. */
export class MatchedDocument {
  /** Unique among the documents of a query. */
  readonly name: string;
  /** The first id that an arm knows. */
  id: string | undefined;
  readonly hits = new Map<string, ArmHit>();
  readonly places = new Map<string, ArmPlace>();
  private best: PlacedHit;
  private withPayload: PlacedHit | undefined;

  constructor(placed: PlacedHit) {
    const { hit, key } = placed;
    this.name = hit.id ?? key ?? `${textMark}${hit.text}`;
    this.best = placed;
  }

  /** The hit of the best rank, which gives the document its text and metadata. */
  get bestHit(): ArmHit {
    return this.best.hit;
  }

  /** The payload of the best rank that has one. */
  get payload(): unknown {
    return this.withPayload?.hit.payload;
  }

  /** Hits are added by falling rank. Of the hits of one arm, only the first one counts. */
  add(placed: PlacedHit): void {
    const { arm, hit, rank } = placed;
    const { best } = this;
    // Of one rank, a hit with an id goes first.
    const isBetter =
      rank === best.rank ? best.hit.id === undefined && hit.id !== undefined : rank < best.rank;
    if (isBetter) this.best = placed;
    if (hit.payload !== undefined && rank < (this.withPayload?.rank ?? Number.POSITIVE_INFINITY)) {
      this.withPayload = placed;
    }
    if (this.hits.has(arm)) return;
    this.hits.set(arm, hit);
    this.places.set(arm, { rank, score: hit.score });
  }
}

/**
 * Finds out which hits of the arms are the same document.
 *
 * Hits of one key, or of one id, are one document. A hit without key and id is the document of another arm that has its text:
 * of several, the document of the best rank. Two hits of one arm are two documents, unless their keys or ids are equal.
 */
export class MatchedDocuments {
  /** By name. */
  readonly documents = new Map<string, MatchedDocument>();
  /** The ranking of each arm by names of documents; empty for an arm that found nothing. */
  readonly rankings: Rankings;
  private readonly byKeyOrId = new Map<string, MatchedDocument>();
  private readonly byText = new Map<string, MatchedDocument[]>();

  constructor(answers: ReadonlyMap<Arm, ArmAnswer>) {
    const arms = Array.from(answers, ([{ name }, { hits, keys }]) => ({
      name,
      hits,
      keys,
      ranking: new Array<ScoredId | undefined>(hits.length),
    })).sort((a, b) => (a.name < b.name ? -1 : 1));
    const nameless: (() => void)[] = [];
    const last = Math.max(0, ...arms.map(({ hits }) => hits.length));
    for (let position = 0; position < last; position++) {
      for (const { name: arm, hits, keys, ranking } of arms) {
        const hit = hits[position];
        if (hit === undefined) continue;
        const placed: PlacedHit = { arm, hit, key: keys[position], rank: position + 1 };
        const place = (known: MatchedDocument | undefined) => {
          const document = this.add(placed, known);
          const isFirst = document.hits.get(arm) === hit;
          if (isFirst) ranking[position] = { id: document.name, score: hit.score };
        };
        if (hit.id === undefined && placed.key === undefined) nameless.push(() => place(this.alike(placed)));
        else place(this.named(placed));
      }
    }
    // Documents with names come first, so that hits without names find them.
    if (nameless.length > 0) for (const document of this.documents.values()) this.noteText(document);
    for (const place of nameless) place();
    this.rankings = Object.fromEntries(
      arms.map(({ name, ranking }) => [name, ranking.filter((scored) => scored !== undefined)]),
    );
  }

  private add(placed: PlacedHit, known: MatchedDocument | undefined): MatchedDocument {
    const { hit, key } = placed;
    const document = known ?? new MatchedDocument(placed);
    if (known === undefined) {
      this.documents.set(document.name, document);
      if (key === undefined && hit.id === undefined) this.noteText(document);
    }
    if (key !== undefined && !this.byKeyOrId.has(key)) this.byKeyOrId.set(key, document);
    if (hit.id !== undefined) {
      if (!this.byKeyOrId.has(hit.id)) this.byKeyOrId.set(hit.id, document);
      // An id that leads to another document would come twice.
      if (document.id === undefined && this.byKeyOrId.get(hit.id) === document) document.id = hit.id;
    }
    document.add(placed);
    return document;
  }

  private noteText(document: MatchedDocument): void {
    for (const text of new Set(
      Array.from(document.hits.values(), (hit) => hit.text).concat(document.bestHit.text),
    )) {
      const alike = this.byText.get(text);
      if (alike === undefined) this.byText.set(text, [document]);
      else alike.push(document);
    }
  }

  private named({ hit, key }: PlacedHit): MatchedDocument | undefined {
    const byKey = key === undefined ? undefined : this.byKeyOrId.get(key);
    return byKey ?? (hit.id === undefined ? undefined : this.byKeyOrId.get(hit.id));
  }

  private alike({ arm, hit }: PlacedHit): MatchedDocument | undefined {
    return this.byText.get(hit.text)?.find((document) => !document.hits.has(arm));
  }
}
