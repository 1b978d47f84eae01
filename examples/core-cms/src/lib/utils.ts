/** The one instance of `name` in this process: Next.js bundles routes apart, so module state is not shared. */
export function singleton<T>(name: string, make: () => T): T {
  const store = globalThis as unknown as Record<symbol, { value: T } | undefined>;
  const key = Symbol.for(`core-cms.${name}`);
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
]);

/** Whether the service may simply not be up yet, as after a reboot of the host. */
export function isUnreachable(error: unknown): boolean {
  const { code, cause } = error as { code?: string; cause?: unknown };
  return CONNECTION_CODES.has(code ?? "") || (cause !== undefined && isUnreachable(cause));
}

/** A whole number from a query string, kept within bounds; `fallback` where it is absent or no number. */
export function boundedInt(text: string | null, fallback: number, min: number, max: number): number {
  const value = text === null || text === "" ? Number.NaN : Number(text);
  return Number.isInteger(value) ? Math.min(max, Math.max(min, value)) : fallback;
}
