import type { StoredDocument } from "@sparse-encoder/core";
import { silentAcceptance } from "./attempts.ts";

/** What a document may be: its version, or undefined if it may be missing. */
type Version = StoredDocument | undefined;

/**
 * What a store may hold after calls, some of them failed: a call that was acknowledged left one version of a document, one
 * that failed may have happened or not.
 */
export class KnownDocuments {
  private readonly versions = new Map<string, readonly Version[]>();

  /** A document was stored, or deleted if `version` is undefined. */
  set(id: string, version: Version, isAcknowledged: boolean): void {
    this.versions.set(id, isAcknowledged ? [version] : [...this.of(id), version]);
  }

  /** All documents that pass were deleted. */
  deleteWhere(passes: (document: StoredDocument) => boolean, isAcknowledged: boolean): void {
    for (const [id, versions] of this.versions) {
      const left = versions.map((version) =>
        version !== undefined && passes(version) ? undefined : version,
      );
      this.versions.set(id, isAcknowledged ? left : [...versions, ...left]);
    }
  }

  /** @throws Fault if the documents of a store are not among what may be there */
  check(found: readonly StoredDocument[], when: string): void {
    const byId = new Map(found.map((document) => [document.id, document]));
    for (const id of new Set([...this.versions.keys(), ...byId.keys()])) {
      const actual = contentOf(byId.get(id));
      if (this.of(id).some((version) => contentOf(version) === actual)) continue;
      throw silentAcceptance(`${when}, ${id} is ${actual}, not ${this.of(id).map(contentOf).join(" or ")}`);
    }
  }

  /** The store was seen to hold these: nothing is uncertain any more. */
  settle(found: readonly StoredDocument[]): void {
    for (const id of this.versions.keys()) this.versions.set(id, [undefined]);
    for (const document of found) this.versions.set(document.id, [document]);
  }

  private of(id: string): readonly Version[] {
    return this.versions.get(id) ?? [undefined];
  }
}

function contentOf(document: Version): string {
  if (document === undefined) return "missing";
  const vectors = Object.entries(document.vectors).map(([name, vector]) => [
    name,
    vector instanceof Float32Array ? [...vector] : [[...vector.indices], [...vector.values]],
  ]);
  return JSON.stringify([document.text, document.metadata, vectors.sort()]);
}
