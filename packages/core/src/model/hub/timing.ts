/** Bytes that count as progress: attempts and the time for them start anew. */
export const progressBytes = 1 << 20;

/** How long things may take, in milliseconds, and how often they are tried. */
export interface HubTiming {
  /** Attempts at a request without progress before it fails. */
  readonly attempts: number;
  /** Wait before the second attempt; each further wait is twice as long. */
  readonly firstWait: number;
  /** Longest wait a server may ask for; a request that is to wait longer fails at once. */
  readonly longestWait: number;
  /** A connection that is silent for this long counts as broken. */
  readonly silence: number;
  /** A body counts as broken if less than {@link progressBytes} of it arrive in this time. */
  readonly stall: number;
  /** A model that is not there after this long is given up. */
  readonly total: number;
  /** A lock shows this often that its process is alive... */
  readonly lockBeat: number;
  /** ...and passes to another process after this long without a sign. */
  readonly lockSilence: number;
}

export const defaultTiming: HubTiming = {
  attempts: 5,
  firstWait: 1000,
  longestWait: 300_000,
  silence: 30_000,
  stall: 600_000,
  total: 86_400_000,
  lockBeat: 2000,
  lockSilence: 20_000,
};
