import type { Arm } from "../arms/arm.ts";
import type { ArmAnswer, ArmHit } from "../arms/arm-search.ts";
import type { Rankings, ScoredId } from "../fusion.ts";
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

  /** Of the hits of one arm, only the first one counts. */
  add(placed: PlacedHit): void {
    const { arm, hit, rank } = placed;
    if (rank < this.best.rank) this.best = placed;
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
  private readonly byKeyOrId = new Map<string, MatchedDocument>();
  private readonly byText = new Map<string, MatchedDocument[]>();

  constructor(answers: ReadonlyMap<Arm, ArmAnswer>) {
    const hits = [...answers].flatMap(([{ name: arm }, { hits: found, keys }]) =>
      found.map((hit, position): PlacedHit => ({ arm, hit, key: keys[position], rank: position + 1 })),
    );
    const isNamed = ({ hit, key }: PlacedHit) => hit.id !== undefined || key !== undefined;
    hits.sort(comparePlaces);
    for (const placed of hits) if (isNamed(placed)) this.add(placed, this.named(placed));
    for (const placed of hits) if (!isNamed(placed)) this.add(placed, this.alike(placed));
  }

  /** The ranking of each arm by names of documents; empty for an arm that found nothing. */
  rankings(arms: Iterable<string>): Rankings {
    const documents = [...this.documents.values()];
    const rankingOf = (arm: string): ScoredId[] =>
      documents
        .flatMap(({ name, places }) => {
          const place = places.get(arm);
          return place === undefined ? [] : [{ id: name, ...place }];
        })
        .sort((a, b) => a.rank - b.rank)
        .map(({ id, score }) => ({ id, score }));
    return Object.fromEntries(Array.from(arms, (arm) => [arm, rankingOf(arm)]));
  }

  private add(placed: PlacedHit, known: MatchedDocument | undefined): void {
    const { hit, key } = placed;
    const document = known ?? new MatchedDocument(placed);
    if (known === undefined) {
      this.documents.set(document.name, document);
      const alike = this.byText.get(hit.text);
      if (alike === undefined) this.byText.set(hit.text, [document]);
      else alike.push(document);
    }
    if (key !== undefined && !this.byKeyOrId.has(key)) this.byKeyOrId.set(key, document);
    if (hit.id !== undefined) {
      if (!this.byKeyOrId.has(hit.id)) this.byKeyOrId.set(hit.id, document);
      // An id that leads to another document would come twice.
      if (this.byKeyOrId.get(hit.id) === document) document.id ??= hit.id;
    }
    document.add(placed);
  }

  private named({ hit, key }: PlacedHit): MatchedDocument | undefined {
    const byKey = key === undefined ? undefined : this.byKeyOrId.get(key);
    return byKey ?? (hit.id === undefined ? undefined : this.byKeyOrId.get(hit.id));
  }

  private alike({ arm, hit }: PlacedHit): MatchedDocument | undefined {
    return this.byText.get(hit.text)?.find((document) => !document.hits.has(arm));
  }
}

/** By rank; of one rank, hits with an id first, then by name of the arm. */
function comparePlaces(a: PlacedHit, b: PlacedHit): number {
  if (a.rank !== b.rank) return a.rank - b.rank;
  const [first, second] = [a, b].map(({ hit }) => (hit.id === undefined ? 1 : 0)) as [number, number];
  return first - second || (a.arm < b.arm ? -1 : 1);
}
