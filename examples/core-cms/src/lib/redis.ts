import { createClient } from "@redis/client";
import { app } from "./app";
import type { CacheConfig } from "./config";
import { log } from "./log";
import { messageOf, singleton, within } from "./utils";

const CONNECT_MS = 2_000;
const COMMAND_MS = 250;

/** What the rest of the app knows of the cache. Every call rejects within a quarter of a second if Redis is silent. */
export interface Cache {
  get(key: string): Promise<string | null>;
  set(key: string, value: string, ttlSeconds: number): Promise<void>;
  ping(): Promise<void>;
  close(): void;
}

function connect({ host, port, database, username, password }: CacheConfig) {
  const client = createClient({
    socket: {
      host,
      port,
      connectTimeout: CONNECT_MS,
      reconnectStrategy: (tries) => Math.min(100 * tries, 2_000),
    },
    username,
    password,
    database,
    // While the connection is down commands fail at once, and the app serves from the database.
    disableOfflineQueue: true,
  });
  let broken = false;
  client.on("error", (error) => {
    if (!broken) log.warn("the cache is unreachable; serving without it", { cause: messageOf(error) });
    broken = true;
  });
  client.on("ready", () => {
    log.info("connected to the cache");
    broken = false;
  });
  client.connect().catch((error: unknown) => log.warn("the cache refused us", { cause: messageOf(error) }));
  return client;
}

function makeCache(config: CacheConfig): Cache {
  const client = connect(config);
  const key = (name: string) => config.prefix + name;
  const timed = <T>(work: Promise<T>) => within(COMMAND_MS, "Redis", work);
  return {
    get: (name) => timed(client.get(key(name))),
    set: async (name, value, ttlSeconds) => {
      await timed(client.set(key(name), value, { expiration: { type: "EX", value: ttlSeconds } }));
    },
    ping: async () => {
      await timed(client.ping());
    },
    close: () => client.destroy(),
  };
}

/** The process's cache, connecting in the background; null where the platform gives none. */
export function cache(): Cache | null {
  return singleton("cache", () => {
    const { cache: config } = app().config;
    return config && makeCache(config);
  });
}
