import { config } from "./app";
import { healthPool } from "./db";
import { log } from "./log";
import { messageOf, singleton, within } from "./process";
import { ask, redis } from "./redis";
import { storage } from "./storage";

/** A service that does not answer in this time counts as failed; releases want the whole answer in 500 ms. */
const LIMIT_MS = 400;

export type State = "ok" | "failed" | "off";
export type Service = "database" | "cache" | "storage";

export type Health = { status: "ok" | "degraded" } & Record<Service, State> & {
    /** How long each service took to answer, in milliseconds; null for one that is off. */
    times: Record<Service, number | null>;
  };

/** A check per service; null where the app has no such service. */
export type Checks = Record<Service, (() => Promise<unknown>) | null>;

type Report = (service: Service, error: unknown) => void;

/** Runs all checks at once. What went wrong goes to `report`, since the answer is public. */
export async function checkHealth(checks: Checks, report: Report, limitMs = LIMIT_MS): Promise<Health> {
  const ask = async (service: Service): Promise<[State, number | null]> => {
    const check = checks[service];
    if (check === null) return ["off", null];
    const began = performance.now();
    const took = () => Math.round((performance.now() - began) * 10) / 10;
    try {
      await within(limitMs, service, check());
      report(service, null);
      return ["ok", took()];
    } catch (error) {
      report(service, error);
      return ["failed", took()];
    }
  };
  const [database, cache, storage] = await Promise.all([ask("database"), ask("cache"), ask("storage")]);
  return {
    status: [database, cache, storage].some(([state]) => state === "failed") ? "degraded" : "ok",
    database: database[0],
    cache: cache[0],
    storage: storage[0],
    times: { database: database[1], cache: cache[1], storage: storage[1] },
  };
}

/** Logs when a service breaks and when it is back, not at every check in between. */
function reportChange(service: Service, error: unknown): void {
  const broken = singleton("broken services", () => new Set<Service>());
  if (error !== null && !broken.has(service)) {
    broken.add(service);
    log.error(`health: ${service} failed`, { cause: messageOf(error) });
  } else if (error === null && broken.delete(service)) {
    log.info(`health: ${service} is back`);
  }
}

/** The state of this app's services, and what runs here. */
export async function currentHealth() {
  const { version, colour, hostname } = config();
  const bucket = storage();
  const found = await checkHealth(
    {
      database: () => healthPool().query("SELECT 1"),
      cache: redis() && (() => ask((client) => client.ping())),
      storage: bucket && (() => bucket.check(AbortSignal.timeout(LIMIT_MS))),
    },
    reportChange,
  );
  return { ...found, version, colour, hostname };
}
