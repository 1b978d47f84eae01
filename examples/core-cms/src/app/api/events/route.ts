import { app } from "@/lib/app";
import { stopping } from "@/lib/lifecycle";

export const dynamic = "force-dynamic";

const EVERY_MS = 1_000;

/** Demo: server-sent events, one at once and then one a second, until the reader leaves or the process stops. */
export function GET(request: Request): Response {
  const { version, colour, hostname } = app().config;
  const encoder = new TextEncoder();
  const ended = AbortSignal.any([request.signal, stopping()]);
  let count = 0;
  const stream = new ReadableStream({
    start(controller) {
      const tick = () => {
        count += 1;
        const data = JSON.stringify({ count, version, colour, hostname });
        controller.enqueue(encoder.encode(`event: tick\ndata: ${data}\n\n`));
      };
      const timer = setInterval(tick, EVERY_MS);
      const end = () => {
        clearInterval(timer);
        controller.close();
      };
      controller.enqueue(encoder.encode("retry: 1000\n\n"));
      tick();
      ended.addEventListener("abort", end, { once: true });
    },
  });
  const headers = { "Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store" };
  return new Response(stream, { headers });
}
