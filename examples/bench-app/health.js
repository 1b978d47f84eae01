/** What /api/health says: each service that the platform gives is `ok`, `failed` or `off`, in less than half a second. */
import { within } from "./within.js";

const HEALTH_MS = 400;

/**
 * A function that asks all services at once. `checks` has one for each, null where the app was given none; `log` is told
 * when a service breaks and when it is back, as the answer is public and names no cause.
 */
export function healthOf(checks, log) {
  const broken = new Set();
  function changed(service, error) {
    if (error && !broken.has(service)) log("error", `health: ${service} failed`, { cause: error.message });
    else if (!error && broken.has(service)) log("info", `health: ${service} is back`);
    if (error) broken.add(service);
    else broken.delete(service);
  }
  async function stateOf(service, check) {
    if (!check) return [service, "off"];
    try {
      await within(HEALTH_MS, service, check());
      changed(service, null);
      return [service, "ok"];
    } catch (error) {
      changed(service, error);
      return [service, "failed"];
    }
  }
  return async () => {
    const states = await Promise.all(Object.entries(checks).map(([service, check]) => stateOf(service, check)));
    const failed = states.some(([, state]) => state === "failed");
    return { status: failed ? "degraded" : "ok", ...Object.fromEntries(states) };
  };
}
