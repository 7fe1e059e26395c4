export { writeAll } from "./file-bytes.ts";
export { FolderUse, whileUnused } from "./folder-use.ts";
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
export { NotRegularError, openRegular, readRegularText } from "./regular-file.ts";
export { bytesOf, type Snapshot, type SnapshotSection } from "./snapshot.ts";
export { readSnapshot, writeSnapshot } from "./snapshot-file.ts";
export { corrupt, readingContent, storageError } from "./storage-errors.ts";
export { WaitingLock } from "./waiting-lock.ts";
export { syncFolder, writeWholeFile } from "./whole-file.ts";
export { type LockTiming, WriterLock } from "./writer-lock.ts";
