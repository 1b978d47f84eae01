import { log } from "./log";
import { messageOf, singleton } from "./process";

const traces = () => singleton("traces", () => ({ end: async () => {} }));

/** Sends the spans that are left, once no request is under way any more. Never throws. */
export async function endTraces(): Promise<void> {
  try {
    await traces().end();
  } catch (error) {
    log.warn("the last spans are lost", { cause: messageOf(error) });
  }
}

/**
 * Sends Next.js's spans, one a request and what it does for it, to the platform's collector: they continue the trace
 * whose id the edge passes on (`traceparent`).
 * @returns whether the platform asks for traces
 */
export async function trace(env: Record<string, string | undefined>): Promise<boolean> {
  if (!env.OTEL_EXPORTER_OTLP_ENDPOINT) return false;
  const [
    { NodeTracerProvider, BatchSpanProcessor },
    { OTLPTraceExporter },
    { envDetector, detectResources },
  ] = await Promise.all([
    import("@opentelemetry/sdk-trace-node"),
    import("@opentelemetry/exporter-trace-otlp-proto"),
    import("@opentelemetry/resources"),
  ]);
  const provider = new NodeTracerProvider({
    resource: detectResources({ detectors: [envDetector] }),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  });
  provider.register();
  traces().end = () => provider.shutdown();
  return true;
}
