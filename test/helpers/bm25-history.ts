import {
  Bm25Encoder,
  HybridRetriever,
  InvertedIndex,
  type NewDocument,
  type Store,
} from "@sparse-encoder/core";
import { expect } from "vitest";

/** Where a history takes place. */
export interface HistoryPlace {
  /** Opens the store of the place once more, as another process would. */
  open(): Promise<Store>;
  /** True if two processes may write to it at once. */
  readonly isShared: boolean;
}

const words = "cat dog bird GPT-4 GPT-3 C++ 7.3.2 vitamin A type fish house running café 東京 the of".split(
  " ",
);

const steps = 6;

/** A retriever of keywords. */
export function keywordRetriever(store: Store, encoder = new Bm25Encoder()): HybridRetriever {
  return new HybridRetriever({ arms: { keyword: { encoder, store } } });
}

/** Ids and scores of all hits of each query. */
export async function rankings(retriever: HybridRetriever, queries: readonly string[]) {
  const results = await retriever.retrieveMany(queries, { k: 100 });
  return results.map((hits) => hits.map(({ id, arms }) => ({ id: id!, score: arms.keyword!.score })));
}

/** The same with an encoder that is fitted on exactly these documents, and an index made of nothing else. */
export async function freshRankings(documents: readonly NewDocument[], queries: readonly string[]) {
  if (documents.length === 0) return queries.map(() => []);
  const encoder = new Bm25Encoder();
  const texts = documents.map(({ text }) => text);
  await encoder.fit(texts);
  const index = new InvertedIndex(encoder.embeddingDimension);
  index.addMany(
    documents.map(({ id }) => id),
    await encoder.encodeDocument(texts),
  );
  const vectors = [...(await encoder.encodeQuery(queries))];
  return vectors.map((vector) => (vector.activeDims === 0 ? [] : index.search(vector, { topK: 100 })));
}

/**
 * Runs a random history of documents that are added, replaced and deleted by retrievers that come and go, and compares the
 * rankings at its end with a fresh fit on what is there then.
 */
export async function bm25History(seed: number, { open, isShared }: HistoryPlace): Promise<void> {
  const random = randomOf(seed);
  const text = () => Array.from({ length: random(9) }, () => words[random(words.length)]).join(" ");
  const expected = new Map<string, NewDocument>();
  const opened = [await open(), ...(isShared ? [await open()] : [])];
  const retrievers = opened.map((store) => keywordRetriever(store));
  for (let step = 0; step < steps; step++) {
    const process = random(opened.length);
    const retriever = retrievers[process]!;
    switch (random(6)) {
      case 0:
      case 1: {
        // New documents, and others in place of documents that are there.
        const added = new Map(
          Array.from({ length: 1 + random(4) }, () => {
            const id = `d${random(12)}`;
            return [id, { id, text: text(), metadata: { group: random(3) } }] as const;
          }),
        );
        await retriever.add(added.values(), { batchSize: 1 + random(3) });
        for (const [id, document] of added) expected.set(id, document);
        break;
      }
      case 2: {
        const ids = [`d${random(12)}`, `d${random(12)}`];
        await retriever.delete({ ids });
        for (const id of ids) expected.delete(id);
        break;
      }
      case 3: {
        const group = random(3);
        await retriever.delete({ filter: { group } });
        for (const [id, { metadata }] of expected) if (metadata!.group === group) expected.delete(id);
        break;
      }
      case 4: {
        // A new process, which may fit what it knows.
        await opened[process]!.close();
        opened[process] = await open();
        const encoder = new Bm25Encoder();
        if (random(2) === 0) await encoder.fit([text(), text()]);
        retrievers[process] = keywordRetriever(opened[process], encoder);
        break;
      }
      default:
        // A second retriever with an encoder of its own, in turn with the first.
        retrievers[process] = keywordRetriever(opened[process]!);
    }
  }
  const queries = ["cat dog", "GPT-4", "type A", "7.3", "東京 café", "the", text()];
  const fresh = await freshRankings([...expected.values()], queries);
  for (const retriever of retrievers) sameRankings(await rankings(retriever, queries), fresh, seed);
  for (const store of opened) await store.close();
}

type Rankings = readonly (readonly { readonly id: string; readonly score: number }[])[];

/** Engines add up in an order of their own: scores that differ by the last bits of a float32 may change places. */
function sameRankings(actual: Rankings, expected: Rankings, seed: number): void {
  for (const [query, wanted] of expected.entries()) {
    const place = `seed ${seed}, query ${query}`;
    const found = actual[query]!;
    const scores = new Map(found.map(({ id, score }) => [id, score]));
    expect([...scores.keys()].sort(), place).toEqual(wanted.map(({ id }) => id).sort());
    for (const [rank, { id, score }] of wanted.entries()) {
      expect(Math.abs(scores.get(id)! - score), `${place}, ${id}`).toBeLessThan(1e-6 * Math.max(1, score));
      expect(Math.abs(found[rank]!.score - score), `${place}, rank ${rank}`).toBeLessThan(
        1e-6 * Math.max(1, score),
      );
    }
  }
}

/** A small linear congruential generator, so that a failure can be repeated. */
function randomOf(seed: number): (below: number) => number {
  let state = seed * 7919 + 1;
  return (below) => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return (state >> 8) % below;
  };
}
