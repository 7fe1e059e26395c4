import { SparseEncoderError } from "../../errors.ts";
import { checkFolder } from "../../index/index.ts";
import type { StoreCallOptions } from "../store.ts";
import type { AliasResult, AliasTarget } from "../store-alias.ts";
import { StoreFront } from "../store-front.ts";
import { callOptions } from "../store-options.ts";
import { checkFolderAlias, folderOf, switchFolder } from "./folder-alias.ts";
import { MemoryBackend } from "./memory-backend.ts";
import {
  checkDurableOptions,
  checkFolderTarget,
  checkMemoryOptions,
  type DurableStoreOptions,
  type MemoryStoreOptions,
} from "./memory-options.ts";
import { ReadOnlyBackend } from "./read-only-backend.ts";
import { type RepairOptions, type RepairReport, repairOptions } from "./repair.ts";
import { findPlace } from "./tenant-folders.ts";

/**
 * Documents with sparse and dense vectors in the memory of this process, searched exactly: sparse vectors with one
 * `InvertedIndex` per name, dense vectors by comparing the query with each.
 *
 * `new MemoryStore()` forgets everything when the process ends. `MemoryStore.open(folder)` keeps the documents on disk: an
 * upsert or delete that resolved survives a crash of the process or the machine. Calls that are made at once share one
 * flush of the disk. A folder has one writer at a time.
 *
 * Texts and metadata of found documents are frozen, not copied.
 *
 * @example
 * await using store = await MemoryStore.open("./index", { model: "naver/splade-v3" });
 * await store.upsert([{ id: "a", text: "…", metadata: { year: 2024 }, vectors: { sparse: vector } }]);
 * await store.searchSparse("sparse", query, { k: 5, filter: { year: { $gte: 2020 } } });
 */
export class MemoryStore extends StoreFront {
  private readonly memory: MemoryBackend | ReadOnlyBackend;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
  constructor(options: MemoryStoreOptions = {}, /** @internal */ opened?: MemoryBackend | ReadOnlyBackend) {
    const memory = opened ?? MemoryBackend.make(checkMemoryOptions(options));
    super(memory);
    this.memory = memory;
  }

  /**
   * Opens a store that is kept in a folder; an empty or missing folder gives an empty store. Postings and vectors are read
   * as they lie in memory, so this takes a fraction of the time of adding the documents.
   *
   * With `readOnly`, any number of processes may open the folder, beside one that writes.
   *
   * @throws SparseEncoderError `STORE_LOCKED` if a live process has the folder open; `STORE_CORRUPT` if a file is cut or
   * changed; `STORE_MISMATCH` for another model, other kinds or dimensions of vectors, a newer format, or a folder with
   * tenants and no option `tenant`, or the other way round; `STORE_FAILED`
   */
  static async open(folder: string, options: DurableStoreOptions = {}): Promise<MemoryStore> {
    const checked = checkDurableOptions(folder, options);
    const found = await folderOf(folder);
    const place = await findPlace(found, checked.tenant, checked.readOnly);
    if (checked.readOnly) return new MemoryStore({}, await ReadOnlyBackend.open(place, checked));
    const check = found === folder ? undefined : () => checkFolderAlias(folder, found);
    return new MemoryStore({}, await MemoryBackend.open(place, checked, check));
  }

  /**
   * Says what can be read of a damaged folder, and what of it would be dropped to open it again. Changes the folder only
   * with `apply: true`: what can be read is written anew, and the damaged files are kept under their names with `.damaged`.
   * Copy the folder first, and compare with a backup: a record that is dropped may have deleted documents.
   *
   * @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION`; `STORE_LOCKED` if a live process has the folder open;
   * `STORE_MISMATCH` for a newer format, and for a folder with tenants and no option `tenant`; `STORE_FAILED`
   * @example
   * const { dropped } = await MemoryStore.repair("./index"); // look at it first
   * await MemoryStore.repair("./index", { apply: true });
   */
  static async repair(folder: string, options: RepairOptions = {}): Promise<RepairReport> {
    const call = "MemoryStore.repair";
    checkFolder(call, folder);
    const { apply, tenant } = repairOptions.check(call, options, `${call}: `);
    return MemoryBackend.repair(await findPlace(await folderOf(folder), tenant, true), apply);
  }

  /**
   * Lets a symbolic link name another folder, in one step: a store that is opened by the link has the folder from before or
   * the new one. Stores that are open keep to the folder that they were opened with, and refuse changes with
   * `STORE_MISMATCH`.
   * @returns the folder that the link named before
   * @throws SparseEncoderError `INVALID_ARGUMENT` for a folder that does not exist; `STORE_MISMATCH` for a folder without a
   * store, a link that does not name `from`, and an alias that is a folder itself; `STORE_UNSUPPORTED` on Windows;
   * `STORE_FAILED`
   * @example
   * await MemoryStore.switchAlias({ alias: "./index", to: "./index-2" });
   */
  static async switchAlias(options: AliasTarget): Promise<AliasResult> {
    return switchFolder(checkFolderTarget(options));
  }

  /**
   * Writes a snapshot of a store that is kept in a folder now, and empties the journal. Otherwise this happens by itself
   * when the journal has grown long, and in `close`. Other calls go on meanwhile.
   * @throws SparseEncoderError `STORE_UNSUPPORTED` for a store that is in memory only, `STORE_FAILED`; nothing is lost then
   */
  async snapshot(options: StoreCallOptions = {}): Promise<void> {
    const call = "snapshot";
    const { signal } = this.begin(call, callOptions, options);
    const schedule = this.memory instanceof MemoryBackend ? this.memory.schedule : undefined;
    if (schedule === undefined) {
      throw new SparseEncoderError(
        "STORE_UNSUPPORTED",
        "snapshot: this store is in memory only, or was opened with readOnly; MemoryStore.open(folder) makes one that is kept in a folder.",
      );
    }
    await this.track(schedule.run(() => this.checkOpen(call, signal)));
  }

  /**
   * Takes up what another process has stored since this store was opened with `readOnly`, or refreshed. Searches go on
   * meanwhile and see the state before or the state after.
   * @returns false if nothing was stored since
   * @throws SparseEncoderError `STORE_UNSUPPORTED` for a store that was not opened with `readOnly`, which always has its
   * own changes; `STORE_CORRUPT`, `STORE_FAILED`; the store is as before then
   */
  async refresh(options: StoreCallOptions = {}): Promise<boolean> {
    const { signal } = this.begin("refresh", callOptions, options);
    if (this.memory instanceof ReadOnlyBackend) return this.track(this.memory.refresh(), signal);
    throw new SparseEncoderError(
      "STORE_UNSUPPORTED",
      "refresh: this store was not opened with readOnly; it has all changes already.",
    );
  }
}
