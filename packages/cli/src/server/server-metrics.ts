import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** Metrics of a server for Prometheus. */
export class ServerMetrics {
  readonly registry = new Registry();
  private readonly requests = new Counter({
    name: "sparse_encoder_requests_total",
    help: "Requests answered",
    labelNames: ["route", "method", "status"],
    registers: [this.registry],
  });
  private readonly duration = new Histogram({
    name: "sparse_encoder_request_duration_seconds",
    help: "Time from the start of a request to its answer",
    labelNames: ["route", "method"],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [this.registry],
  });
  private readonly running = new Gauge({
    name: "sparse_encoder_requests_running",
    help: "Requests under way",
    registers: [this.registry],
  });
  private readonly queue = new Gauge({
    name: "sparse_encoder_queue_texts",
    help: "Texts that wait for the encoder",
    labelNames: ["encoder"],
    registers: [this.registry],
  });
  private readonly batchTexts = new Histogram({
    name: "sparse_encoder_batch_texts",
    help: "Texts of an encoder call",
    labelNames: ["encoder"],
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
    registers: [this.registry],
  });
  private readonly batchDuration = new Histogram({
    name: "sparse_encoder_batch_duration_seconds",
    help: "Time of an encoder call",
    labelNames: ["encoder"],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  begin(): void {
    this.running.inc();
  }

  /** @param route the pattern, never a path that a client made up */
  end(route: string, method: string, status: number, seconds: number): void {
    this.running.dec();
    this.requests.inc({ route, method, status });
    this.duration.observe({ route, method }, seconds);
  }

  /** What a batcher of that encoder reports. */
  eventsOf(encoder: string): { onQueue(texts: number): void; onBatch(texts: number, seconds: number): void } {
    return {
      onQueue: (texts) => this.queue.set({ encoder }, texts),
      onBatch: (texts, seconds) => {
        this.batchTexts.observe({ encoder }, texts);
        this.batchDuration.observe({ encoder }, seconds);
      },
    };
  }
}
