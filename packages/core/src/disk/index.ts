export { Journal, type JournalContent, type JournalOrigin, readJournal } from "./journal.ts";
export {
  bytesOf,
  corrupt,
  readSnapshot,
  type Snapshot,
  type SnapshotSection,
  storageError,
  syncFolder,
  writeAll,
  writeSnapshot,
} from "./snapshot-file.ts";
export { WaitingLock } from "./waiting-lock.ts";
export { type LockTiming, WriterLock } from "./writer-lock.ts";
