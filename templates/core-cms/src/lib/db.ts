import { PrismaPg } from "@prisma/adapter-pg";
import { Pool, type PoolClient, type PoolConfig } from "pg";
import { PrismaClient } from "@/generated/prisma/client";
import { config } from "./app";
import { log } from "./log";
import { APP_ID } from "./name";
import { messageOf, singleton } from "./process";

/** How long a query may take, in milliseconds, as the client and as the server count. */
const QUERY_MS = 10_000;
/** How long to wait for a connection, in milliseconds. */
const CONNECT_MS = 3_000;
/** The health check gives up sooner than this. */
const HEALTH_MS = 1_000;
/** A check needn't connect first, however rare checks are. */
const STAYS = { idleTimeoutMillis: 0 };

/** How long a search by words may take, in milliseconds: it reads all rows of a dataset, and others wait for its connection. */
const SEARCH_MS = 2_000;

function poolOf(max: number, connectMs: number, queryMs: number, more: PoolConfig = {}): Pool {
  const made = new Pool({
    connectionString: config().database.url,
    application_name: APP_ID,
    connectionTimeoutMillis: connectMs,
    query_timeout: queryMs,
    statement_timeout: queryMs,
    max,
    ...more,
  });
  made.on("error", (error) => log.warn("an idle database connection broke", { cause: messageOf(error) }));
  return made;
}

/**
 * The process's connections but one. The URL's `sslmode` and `sslrootcert` decide on TLS; node-postgres honours both.
 */
export function pool(): Pool {
  return singleton("pool", () => poolOf(Math.max(1, config().database.poolSize - 1), CONNECT_MS, QUERY_MS));
}

/** The connection that no visitor's query takes, so that slow ones don't make the process look dead; an only one is shared. */
export function healthPool(): Pool {
  const shared = config().database.poolSize === 1;
  return singleton("health pool", () => (shared ? pool() : poolOf(1, HEALTH_MS, HEALTH_MS, STAYS)));
}

/** What runs queries: the pool, or one of its connections. */
export type Queries = Pick<PoolClient, "query">;

/** Runs queries of a search, each of which may take two seconds and is ended then, in the server, too. */
export async function searching<T>(work: (client: Queries) => Promise<T>): Promise<T> {
  const client = await pool().connect();
  try {
    await client.query(`BEGIN READ ONLY; SET LOCAL statement_timeout = ${SEARCH_MS}`);
    const found = await work(client);
    await client.query("COMMIT");
    client.release();
    return found;
  } catch (error) {
    // Whatever state it is in, it serves nobody else.
    client.release(true);
    throw error;
  }
}

/** Ends all connections, once their queries are done. */
export async function closePools(): Promise<void> {
  await Promise.all([...new Set([pool(), healthPool()])].map((each) => each.end()));
}

/** Prisma's client over `pool()`: queries are compiled in WebAssembly, no engine runs beside the process. */
export function prisma(): PrismaClient {
  return singleton("prisma", () => new PrismaClient({ adapter: new PrismaPg(pool()) }));
}
