import { handle } from "@/lib/http";
import { metrics } from "@/lib/metrics";

export const dynamic = "force-dynamic";

/** Prometheus's text format; the platform keeps visitors out. */
export const GET = () =>
  handle(async () => {
    const { registry } = metrics();
    return new Response(await registry.metrics(), { headers: { "Content-Type": registry.contentType } });
  });
