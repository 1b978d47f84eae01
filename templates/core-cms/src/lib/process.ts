/** The one instance of `name` in this process: Next.js bundles routes apart, so module state is not shared. */
export function singleton<T>(name: string, make: () => T): T {
  const store = globalThis as unknown as Record<symbol, { value: T } | undefined>;
  const key = Symbol.for(`app.${name}`);
  const held = store[key] ?? { value: make() };
  store[key] = held;
  return held.value;
}

/** What went wrong, in one line. Connection failures to several addresses carry only a code. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  return error.message || code || error.name;
}

export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** The result of `work`; rejects with a message that names `what` once `ms` milliseconds have passed. */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Repeats `attempt` every `everyMs` while it fails with an error that `retryable` accepts, for `forMs` at most. */
export async function retry<T>(
  attempt: () => Promise<T>,
  { forMs, everyMs, retryable }: { forMs: number; everyMs: number; retryable: (error: unknown) => boolean },
): Promise<T> {
  const end = Date.now() + forMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!retryable(error) || Date.now() + everyMs > end) throw error;
      await sleep(everyMs);
    }
  }
}

const CONNECTION_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ETIMEDOUT",
  "EAI_AGAIN",
  "57P03", // Postgres: the database system is starting up
  "P1001", // Prisma: the database server can't be reached
  "P1002", // Prisma: it was reached and did not answer
  "P1017", // Prisma: it closed the connection
]);

/** Whether the service may simply not be up yet, as after a reboot of the host. */
export function isUnreachable(error: unknown): boolean {
  const { code, cause } = error as { code?: string; cause?: unknown };
  return CONNECTION_CODES.has(code ?? "") || (cause !== undefined && isUnreachable(cause));
}

/** What Postgres and Prisma say when a database that is there can't take or finish this work now. */
const BUSY_CODES = new Set([
  "53300", // too many connections
  "57014", // the statement took longer than it may
  "57P01", // the server ends connections, as at its own restart
  "57P02", // another of its processes crashed
  "P1008", // Prisma: the database took too long
  "P2024", // Prisma: no connection was free in time
  "P2028", // Prisma: a transaction did not begin or end in time
  "P2037", // Prisma: too many connections
]);
/** What `pg` and `pg-pool` throw without a code (their lib/client.js and index.js). */
const BUSY_WORDS =
  /^(?:timeout exceeded when trying to connect|timeout expired|Connection terminated\b.*|Query read timeout|Client has encountered a connection error and is not queryable|Cannot use a pool after calling end on the pool)$/;

/** Whether a request failed for a service that is away, full or too slow: what was asked may well be right. */
export function isAway(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  if (error instanceof Unavailable || isUnreachable(error)) return true;
  const { message, code, originalCode, cause, meta } = error as {
    message?: string;
    code?: string;
    /** Of Prisma's driver adapters: the database's own code. */
    originalCode?: string;
    cause?: unknown;
    meta?: { driverAdapterError?: unknown };
  };
  const own =
    BUSY_CODES.has(code ?? "") || BUSY_CODES.has(originalCode ?? "") || BUSY_WORDS.test(message ?? "");
  return own || isAway(cause) || isAway(meta?.driverAdapterError);
}

/** A whole number from a query string, kept within bounds; `fallback` where it is absent or no number. */
export function boundedInt(text: string | null, fallback: number, min: number, max: number): number {
  const value = text === null || text === "" ? Number.NaN : Number(text);
  return Number.isInteger(value) ? Math.min(max, Math.max(min, value)) : fallback;
}

/** A service that is needed for this request can't be reached: 503. */
export class Unavailable extends Error {}
