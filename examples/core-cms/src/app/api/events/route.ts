import { app } from "@/lib/app";
import { tickStream } from "@/lib/events";
import { stopping } from "@/lib/lifecycle";

export const dynamic = "force-dynamic";

/** Demo: server-sent events, one a second, until the reader leaves or the process stops. */
export function GET(): Response {
  const { version, colour, hostname } = app().config;
  const headers = { "Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store" };
  return new Response(tickStream({ version, colour, hostname }, stopping()), { headers });
}
