export { Journal } from "./journal.ts";
export {
  type JournalContent,
  type JournalPlace,
  type JournalReading,
  readJournal,
  salvageJournal,
} from "./journal-content.ts";
export { headLength as journalHeadLength, type JournalOrigin } from "./journal-format.ts";
export { isLocked } from "./lock-file.ts";
export {
  bytesOf,
  corrupt,
  readingContent,
  readSnapshot,
  type Snapshot,
  type SnapshotSection,
  storageError,
  writeAll,
  writeSnapshot,
} from "./snapshot-file.ts";
export { WaitingLock } from "./waiting-lock.ts";
export { syncFolder, writeWholeFile } from "./whole-file.ts";
export { type LockTiming, WriterLock } from "./writer-lock.ts";
