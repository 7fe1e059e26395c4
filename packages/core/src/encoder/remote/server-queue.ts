import { aborted, onAbort } from "../../calls/index.ts";
import { PassingFailure } from "./remote-failure.ts";

/** Milliseconds that a server rests after its first failure; each further one in a row doubles it. */
const firstRest = 200;

/** Longest rest in milliseconds that a server does not ask for itself. */
const longestRest = 5000;

/** What one server does. */
interface Lane<Server> {
  readonly server: Server;
  running: number;
  /** Failures in a row, and when the last one was. */
  failures: number;
  failedAt: number;
  /** When it may be asked again. */
  restsUntil: number;
  /** Mean milliseconds of a request; undefined before the first answer. */
  pace: number | undefined;
}

interface Job<Server> {
  begin(server: Server): Promise<void>;
  reject(error: unknown): void;
  /** Nobody waits for it any more. */
  isOver: boolean;
  failures: number;
}

/** How a queue asks its servers. */
export interface ServerQueueOptions {
  /** Most requests under way on one server. */
  readonly parallel: number;
  /** Further tries of a request per server. */
  readonly retries: number;
}

/**
 * Hands requests to servers, first come, first served. A server gets the next request when it has room, so a fast one gets more; the
 * last ones are left to a server that would be done with all of them before a slow one with its own. One that fails rests, and its
 * requests go to the others, or to itself after the rest.
 */
export class ServerQueue<Server> {
  private readonly lanes: readonly Lane<Server>[];
  private readonly options: ServerQueueOptions;
  private waiting: Job<Server>[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(servers: readonly Server[], options: ServerQueueOptions) {
    const unused = { running: 0, failures: 0, failedAt: 0, restsUntil: 0, pace: undefined };
    this.lanes = servers.map((server) => ({ server, ...unused }));
    this.options = options;
  }

  /** Most requests that run at once on all servers. */
  get slots(): number {
    return this.lanes.length * this.options.parallel;
  }

  /**
   * Asks a server when one has room.
   * @throws SparseEncoderError `ABORTED`; what the last try threw
   */
  add<Result>(ask: (server: Server) => Promise<Result>, signal: AbortSignal): Promise<Result> {
    return new Promise((resolve, reject) => {
      const job: Job<Server> = {
        begin: async (server) => {
          const result = await ask(server);
          leave();
          resolve(result);
        },
        reject: (error) => {
          leave();
          reject(error);
        },
        isOver: false,
        failures: 0,
      };
      const leave = onAbort(signal, () => {
        job.isOver = true;
        this.waiting = this.waiting.filter((other) => other !== job);
        reject(aborted(signal));
      });
      if (signal.aborted) {
        reject(aborted(signal));
        return;
      }
      this.waiting.push(job);
      this.serve();
    });
  }

  private serve(): void {
    clearTimeout(this.timer);
    while (this.waiting.length > 0) {
      const lane = this.nextLane();
      if (lane === undefined) {
        this.wakeAfterRest();
        return;
      }
      void this.run(this.waiting.shift()!, lane);
    }
  }

  private async run(job: Job<Server>, lane: Lane<Server>): Promise<void> {
    const started = performance.now();
    lane.running++;
    try {
      await job.begin(lane.server);
      const taken = performance.now() - started;
      lane.pace = lane.pace === undefined ? taken : lane.pace * 0.8 + taken * 0.2;
      lane.failures = 0;
    } catch (error) {
      this.handle(error, job, lane, started);
    } finally {
      lane.running--;
      this.serve();
    }
  }

  private handle(error: unknown, job: Job<Server>, lane: Lane<Server>, started: number): void {
    const { lanes } = this;
    job.failures++;
    const tries = (this.options.retries + 1) * lanes.length;
    const mayPass = error instanceof PassingFailure && (lanes.length > 1 || !error.needsAnother);
    if (!mayPass || job.isOver || job.failures >= tries) {
      job.reject(error);
      return;
    }
    // Requests that ran side by side fail together: that is one failure of the server.
    const now = performance.now();
    if (started >= lane.failedAt) lane.failures++;
    lane.failedAt = now;
    lane.restsUntil = Math.max(lane.restsUntil, now + Math.max(error.wait, restAfter(lane.failures)));
    this.waiting.unshift(job);
  }

  /** The server that would answer first, if it has room. */
  private nextLane(): Lane<Server> | undefined {
    const now = performance.now();
    const { parallel } = this.options;
    const awake = this.lanes.filter(({ restsUntil }) => restsUntil <= now);
    const free = awake.filter(({ running }) => running < parallel);
    const load = ({ pace = 0, running }: Lane<Server>) => pace * (1 + running / parallel);
    const [best] = free.sort((a, b) => load(a) - load(b) || a.running - b.running);
    if (best?.pace === undefined) return best;
    const end = best.pace;
    const isSlow = awake.some(
      ({ pace, running }) =>
        pace !== undefined &&
        running === parallel &&
        ((running + this.waiting.length) * pace) / parallel < end,
    );
    return isSlow ? undefined : best;
  }

  private wakeAfterRest(): void {
    const now = performance.now();
    const rests = this.lanes.map(({ restsUntil }) => restsUntil - now).filter((left) => left > 0);
    if (rests.length > 0) this.timer = setTimeout(() => this.serve(), Math.ceil(Math.min(...rests)));
  }
}

/** Milliseconds of the rest after this number of failures in a row, give or take a quarter. */
function restAfter(failures: number): number {
  return Math.min(longestRest, firstRest * 2 ** (failures - 1)) * (0.75 + Math.random() / 2);
}
