import { app } from "./app";
import { log } from "./log";
import { messageOf, sleep } from "./utils";

/** Longer than the 500 ms in which a release wants the health answer. */
const SLOW_MS = 1_500;

/** An answer that nobody keeps. */
export function json(body: unknown, status = 200): Response {
  return Response.json(body, { status, headers: { "Cache-Control": "no-store" } });
}

/** Runs a handler; what it throws is logged and answered by a bare 500. `DEMO_FAIL=slow` delays it. */
export async function answer(handler: () => Promise<Response>): Promise<Response> {
  try {
    if (app().config.fault === "slow") await sleep(SLOW_MS);
    return await handler();
  } catch (error) {
    log.error("request failed", { cause: messageOf(error) });
    return json({ error: "internal error" }, 500);
  }
}
