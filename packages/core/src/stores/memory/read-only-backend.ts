import type { SparseEncoderError } from "../../errors.ts";
import { unsupported } from "../store-limits.ts";
import type { Collection } from "./collection.ts";
import { CollectionBackend, type Fields, undeclaredFields } from "./collection-backend.ts";
import { FolderReader } from "./folder-reader.ts";
import { LoadedCollection } from "./loaded-collection.ts";
import type { ResolvedDurableOptions } from "./memory-options.ts";

/** The backend of a `MemoryStore` that only reads: any number of processes may, beside one that writes. */
export class ReadOnlyBackend extends CollectionBackend {
  readonly declared: boolean;
  private readonly place: string;
  private readonly wanted: Fields;
  private readonly reader: FolderReader<LoadedCollection>;

  private constructor(
    place: string,
    { declared, tenant }: ResolvedDurableOptions,
    reader: FolderReader<LoadedCollection>,
  ) {
    super(true, tenant);
    this.place = place;
    this.declared = declared !== undefined;
    this.wanted = declared ?? new Map();
    this.reader = reader;
  }

  /**
   * @throws SparseEncoderError `INVALID_ARGUMENT` if there is no store; `STORE_CORRUPT`, `STORE_MISMATCH`, `STORE_FAILED`
   */
  static async open(place: string, options: ResolvedDurableOptions): Promise<ReadOnlyBackend> {
    const reader = await FolderReader.open(place, () => new LoadedCollection(place, options.model));
    const backend = new ReadOnlyBackend(place, options, reader);
    backend.declare();
    return backend;
  }

  protected get collection(): Collection {
    return this.reader.content.collection;
  }

  /** Takes up what was written since; false if nothing was. */
  async refresh(): Promise<boolean> {
    const isChanged = await this.reader.refresh();
    if (isChanged) this.declare();
    return isChanged;
  }

  async write(): Promise<never> {
    throw this.readOnly();
  }

  async remove(): Promise<never> {
    throw this.readOnly();
  }

  async removeMatching(): Promise<never> {
    throw this.readOnly();
  }

  async close(): Promise<void> {
    this.collection.clear();
  }

  /** Names that were declared and have no documents yet find nothing, rather than being unknown. */
  private declare(): void {
    const { fields } = this.collection;
    for (const [name, field] of undeclaredFields(this.place, fields, this.wanted)) fields.set(name, field);
  }

  private readOnly(): SparseEncoderError {
    return unsupported(
      this,
      `in ${this.place} was opened with readOnly, which changes nothing; open it without that option to write.`,
    );
  }
}
