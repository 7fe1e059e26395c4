/** Values of a span. */
export type SpanValues = Readonly<Record<string, string | number>>;

/** A stretch of work in a trace. */
export interface Span {
  set(values: SpanValues): void;
}

/** Starts spans; the work runs within them. */
export interface Tracer {
  span<Result>(name: string, work: (span: Span) => Promise<Result>): Promise<Result>;
}

const noTracer: Tracer = { span: (_name, work) => work({ set: () => {} }) };

/**
 * Spans of OpenTelemetry if its package `@opentelemetry/api` is installed, else none. Where they go is up to the SDK that the
 * process was started with, such as by `node --import`.
 */
export async function openTracer(version: string): Promise<Tracer> {
  const api = await import("@opentelemetry/api").catch(() => undefined);
  if (api === undefined) return noTracer;
  const tracer = api.trace.getTracer("sparse-encoder", version);
  return {
    span: (name, work) =>
      tracer.startActiveSpan(name, async (span) => {
        try {
          return await work({ set: (values) => void span.setAttributes(values) });
        } catch (error) {
          span.recordException(error instanceof Error ? error : String(error));
          span.setStatus({ code: api.SpanStatusCode.ERROR });
          throw error;
        } finally {
          span.end();
        }
      }),
  };
}
