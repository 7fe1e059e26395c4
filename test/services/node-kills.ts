import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { SparseEncoderError } from "@sparse-encoder/core";
import { expect } from "vitest";
import type { Random } from "../../packages/core/src/testing/random.ts";
import type { OpenSearchCluster } from "./servers/opensearch-server.ts";

/** Milliseconds within which a call must succeed once all nodes are back. */
const recoveryTime = 180_000;

/** A cluster of which nodes are killed at random and started again, while calls are made, and what became of them. */
export class NodeKills {
  /** Kills so far. */
  killed = 0;
  /** Calls that succeeded. */
  answers = 0;
  private readonly cluster: OpenSearchCluster;
  private readonly what: string;
  private readonly kills: number;
  private readonly random: Random;
  /** Kills after which a replica stayed behind. */
  private stalls = 0;
  private readonly errors = new Map<string, number>();
  private longestGap = 0;
  private lastAnswer = Date.now();
  private readonly started = Date.now();

  constructor(cluster: OpenSearchCluster, what: string, kills: number, random: Random) {
    this.cluster = cluster;
    this.what = what;
    this.kills = kills;
    this.random = random;
  }

  /** Repeats `work` in lanes until all kills are over. */
  async during(lanes: number, work: () => Promise<void>): Promise<void> {
    let over = false;
    const lane = async () => {
      while (!over) {
        try {
          await work();
        } catch (error) {
          if (!(error instanceof CallFailed)) throw error;
        }
        await sleep(5);
      }
    };
    const working = Promise.all(Array.from({ length: lanes }, lane));
    const killing = this.killAll().finally(() => {
      over = true;
    });
    await Promise.all([working, killing]);
  }

  /** Makes a call; one that fails must do so by a named error that says what happened. */
  async attempt<Result>(call: () => Promise<Result>): Promise<Result> {
    try {
      const result = await call();
      this.answers++;
      this.longestGap = Math.max(this.longestGap, Date.now() - this.lastAnswer);
      this.lastAnswer = Date.now();
      return result;
    } catch (error) {
      if (!SparseEncoderError.is(error, "STORE_FAILED")) throw error;
      const { code, message } = error;
      expect(message).toContain("The opensearch store failed: ");
      expect(message).not.toContain("Response Error");
      const kind = `${code}: ${message.replace(/\[[^\]]*\]/g, "[…]").replace(/[\d.:]*\d/g, "#")}`;
      this.errors.set(kind, (this.errors.get(kind) ?? 0) + 1);
      throw new CallFailed();
    }
  }

  /** Prints what happened. */
  report(further: Readonly<Record<string, number>>): void {
    const total = [...this.errors.values()].reduce((sum, one) => sum + one, 0);
    const figures = {
      "kills during": this.what,
      kills: this.killed,
      "kills after which a replica stayed behind": this.stalls,
      "calls answered": this.answers,
      "calls failed": total,
      "errors by code": Object.fromEntries(this.errors),
      "longest time without an answer, s": this.longestGap / 1000,
      "whole run, s": Math.round((Date.now() - this.started) / 1000),
      ...further,
      node: process.version,
      processors: availableParallelism(),
    };
    this.say(JSON.stringify(figures, undefined, 2));
  }

  private async killAll(): Promise<void> {
    for (; this.killed < this.kills; this.killed++) {
      await this.answered();
      await sleep(this.random.below(1500));
      const node = this.random.below(3);
      await this.cluster.kill(node);
      await sleep(this.random.below(3000));
      await this.cluster.startNode(node);
      await this.healthy((node + 1) % 3);
      await this.answered();
      this.say(`kill ${this.killed + 1} of ${this.kills} during ${this.what}: node ${node} is back`);
    }
  }

  /** Waits for all replicas. One that stays behind is told of; the documents are in the primary, and the next kill may be its. */
  private async healthy(by: number): Promise<void> {
    try {
      await this.cluster.health(3, "green", by);
    } catch (error) {
      this.stalls++;
      this.say((error as Error).message);
      await this.cluster.health(3, "yellow", by);
    }
  }

  private say(text: string): void {
    // biome-ignore lint/suspicious/noConsole: what happens in a long run is what it is made for.
    console.log(text);
  }

  /** Waits until a call has succeeded from now on. */
  private async answered(): Promise<void> {
    const { answers } = this;
    for (const end = Date.now() + recoveryTime; this.answers === answers; await sleep(50)) {
      if (Date.now() > end) throw new Error(`No call succeeded within ${recoveryTime / 1000} s`);
    }
  }
}

/** A call failed as it may. */
class CallFailed extends Error {}
