import { app } from "./app";
import { pool } from "./db";
import { log } from "./log";
import { cache } from "./redis";
import { imageKey, seedOf } from "./seed";
import { storage } from "./storage";
import { messageOf, singleton, within } from "./utils";

/** A service that does not answer in this time counts as failed; releases want the whole answer in 500 ms. */
const LIMIT_MS = 400;

export type State = "ok" | "failed" | "off";

export interface Health {
  status: "ok" | "degraded";
  database: State;
  cache: State;
  storage: State;
}

/** A check per service; null where the app has no such service. */
export interface Checks {
  database(): Promise<unknown>;
  cache: (() => Promise<unknown>) | null;
  storage: (() => Promise<unknown>) | null;
}

type Report = (service: string, error: unknown) => void;

/** Runs all checks at once. What went wrong goes to `report`, since the answer is public. */
export async function checkHealth(checks: Checks, report: Report, limitMs = LIMIT_MS): Promise<Health> {
  const stateOf = async (service: string, check: (() => Promise<unknown>) | null): Promise<State> => {
    if (check === null) return "off";
    try {
      await within(limitMs, service, check());
      report(service, null);
      return "ok";
    } catch (error) {
      report(service, error);
      return "failed";
    }
  };
  const [database, cacheState, storageState] = await Promise.all([
    stateOf("database", checks.database),
    stateOf("cache", checks.cache),
    stateOf("storage", checks.storage),
  ]);
  const failed = [database, cacheState, storageState].includes("failed");
  return { status: failed ? "degraded" : "ok", database, cache: cacheState, storage: storageState };
}

/** Logs when a service breaks and when it is back, not at every check in between. */
function reportChange(service: string, error: unknown): void {
  const broken = singleton("broken services", () => new Set<string>());
  if (error !== null && !broken.has(service)) {
    broken.add(service);
    log.error(`health: ${service} failed`, { cause: messageOf(error) });
  } else if (error === null && broken.delete(service)) {
    log.info(`health: ${service} is back`);
  }
}

/** The state of this app's services. */
export function currentHealth(): Promise<Health> {
  const { dataset } = app().config;
  const [redis, bucket] = [cache(), storage()];
  const sample = imageKey(dataset, seedOf(dataset).items[0]?.slug ?? "");
  const checks: Checks = {
    database: () => pool().query("SELECT 1"),
    cache: redis && (() => redis.ping()),
    storage: bucket && (() => bucket.check(sample, AbortSignal.timeout(LIMIT_MS))),
  };
  return checkHealth(checks, reportChange);
}
