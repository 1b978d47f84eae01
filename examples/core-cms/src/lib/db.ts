import { Client, type ClientConfig, Pool } from "pg";
import { app } from "./app";
import { log } from "./log";
import { isUnreachable, messageOf, retry, singleton } from "./utils";

/** The connection URL's `sslmode` and `sslrootcert` decide on TLS; node-postgres honours both. */
function clientConfig(url: string): ClientConfig {
  return { connectionString: url, application_name: "core-cms", connectionTimeoutMillis: 3_000 };
}

/** The process's connection pool. */
export function pool(): Pool {
  return singleton("pool", () => {
    const { url, poolSize } = app().config.database;
    const made = new Pool({ ...clientConfig(url), max: poolSize, query_timeout: 10_000 });
    made.on("error", (error) => log.warn("an idle database connection broke", { cause: messageOf(error) }));
    return made;
  });
}

/** Runs `work` on a connection of its own, waiting up to 30 s for a server that is not up yet. */
export async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = await retry(
    async () => {
      const fresh = new Client(clientConfig(url));
      await fresh.connect();
      return fresh;
    },
    { forMs: 30_000, everyMs: 500, retryable: isUnreachable },
  );
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
