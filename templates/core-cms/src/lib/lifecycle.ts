import { subscribe } from "node:diagnostics_channel";
import type { Server, ServerResponse } from "node:http";
import { config } from "./app";
import { closePools } from "./db";
import { log } from "./log";
import { messageOf, singleton, within } from "./process";
import { redis } from "./redis";
import { endTraces } from "./tracing";

/** Together with the drain time under the 30 s after which the platform kills a container. */
const CLOSE_MS = 1_000;

const state = () =>
  singleton("lifecycle", () => ({
    stop: new AbortController(),
    server: null as Server | null,
    open: new Set<ServerResponse>(),
  }));

/** Aborts when the process is asked to stop: streams that would never end by themselves end then. */
export const stopping = (): AbortSignal => state().stop.signal;

interface RequestStart {
  response: ServerResponse;
  server: Server;
}

function follow({ response, server }: RequestStart): void {
  const { open, stop } = state();
  state().server = server;
  open.add(response);
  if (stop.signal.aborted) response.setHeader("Connection", "close");
  response.once("close", () => {
    open.delete(response);
    if (stop.signal.aborted) setImmediate(() => letGo(server));
  });
}

/** Closes what no answer is due on. A connection that never carried a request is not idle to Node.js. */
function letGo(server: Server): void {
  if (state().open.size === 0) server.closeAllConnections();
  else server.closeIdleConnections();
}

/** Stops accepting, tells kept-alive clients to go, and waits for the requests in flight. */
async function drain(): Promise<void> {
  const { server, open } = state();
  // A server that no request has reached has nothing to finish.
  if (server === null) return;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const response of open) if (!response.headersSent) response.setHeader("Connection", "close");
  letGo(server);
  await within(config().drainMs, "the last request", closed);
}

async function shutdown(signal: string): Promise<void> {
  const { stop, open } = state();
  if (stop.signal.aborted) return;
  log.info("stopping", { signal, in_flight: open.size });
  stop.abort();
  try {
    await drain();
    redis()?.destroy();
    await within(CLOSE_MS, "what is behind the app", Promise.all([closePools(), endTraces()]));
    log.info("stopped");
  } catch (error) {
    log.warn("stopped with work left over", { cause: messageOf(error), in_flight: open.size });
  }
  process.exit(0);
}

/** Follows requests, so that SIGTERM and SIGINT end the process only after those in flight have their answers. */
export function handleSignals(): void {
  subscribe("http.server.request.start", (message) => follow(message as RequestStart));
  for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => void shutdown(signal));
}
