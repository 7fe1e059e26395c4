import { corrupt, readingContent, type Snapshot } from "../../disk/index.ts";
import { checkModel } from "../../index/index.ts";
import type { ResolvedField } from "../vector-fields.ts";
import { Collection } from "./collection.ts";
import {
  type CapturedCollection,
  type CollectionDescription,
  captureCollection,
  collectionSections,
  describeCollection,
  readCollection,
} from "./collection-snapshot.ts";
import { decodeOperation } from "./operation.ts";
import type { SnapshotSource } from "./read-folder.ts";
import type { RepairContent } from "./repair.ts";
import type { NewFolderContent } from "./store-folder.ts";

/** What the snapshot of a store says beside its vectors. */
interface StoreDescription {
  readonly model: string | null;
  readonly collection: CollectionDescription;
}

/** A collection as it is read from a folder: a snapshot, then the records of the journals. */
export class LoadedCollection implements NewFolderContent, RepairContent {
  collection: Collection;
  model: string | null;
  private readonly place: string;
  private readonly wantedModel: string | undefined;

  /** @param wantedModel another one in the folder is refused; undefined for any */
  constructor(
    place: string,
    wantedModel: string | undefined,
    declared: ReadonlyMap<string, ResolvedField> = new Map(),
  ) {
    this.place = place;
    this.wantedModel = wantedModel;
    this.model = wantedModel ?? null;
    this.collection = new Collection(declared);
  }

  initial(): SnapshotSource {
    return this.source();
  }

  reset(): void {
    this.collection = new Collection(new Map());
  }

  restore(snapshot: Snapshot, description: unknown): void {
    const { model, collection } = (description ?? {}) as Partial<StoreDescription>;
    if (collection === undefined || (typeof model !== "string" && model !== null)) {
      throw corrupt(snapshot.file, "it does not say what it holds");
    }
    checkModel(this.place, model, this.wantedModel);
    this.model = model;
    this.collection = readCollection(snapshot, collection);
  }

  replay(record: Buffer): void {
    readingContent(`A record of the store in ${this.place}`, () =>
      this.collection.apply(decodeOperation(record)),
    );
  }

  documents(): number {
    return this.collection.documents.size;
  }

  source(): SnapshotSource {
    return toSource(this.model, captureCollection(this.collection));
  }
}

export function toSource(model: string | null, captured: CapturedCollection): SnapshotSource {
  const description: StoreDescription = { model, collection: describeCollection(captured) };
  return { description, sections: collectionSections(captured) };
}
