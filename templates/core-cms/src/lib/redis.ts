import { createClient } from "@redis/client";
import { config } from "./app";
import { type RedisConfig, redisSocket } from "./config";
import { log } from "./log";
import { messageOf, singleton, Unavailable, within } from "./process";

const CONNECT_MS = 2_000;
const COMMAND_MS = 500;

interface Watch {
  /** How often a connection that says nothing is asked whether it lives, in milliseconds. */
  pingInterval?: number;
  /** After how long without a word it counts as broken, in milliseconds. */
  socketTimeout?: number;
}

function makeClient(to: RedisConfig, what: string, { pingInterval, socketTimeout }: Watch) {
  const { database, username, password } = to;
  const client = createClient({
    pingInterval,
    socket: {
      ...redisSocket(to),
      connectTimeout: CONNECT_MS,
      socketTimeout,
      reconnectStrategy: (tries) => Math.min(100 * tries, 2_000),
    },
    username,
    password,
    database,
    // While the connection is down commands fail at once.
    disableOfflineQueue: true,
  });
  let broken = false;
  client.on("error", (error) => {
    if (!broken) log.warn(`Redis (${what}) is unreachable`, { cause: messageOf(error) });
    broken = true;
  });
  client.on("ready", () => {
    log.info(`connected to Redis (${what})`);
    broken = false;
  });
  return client;
}

export type RedisClient = ReturnType<typeof makeClient>;

/** A client that connects in the background and for as long as the process lives. */
export function connected(to: RedisConfig, what: string, watch: Watch = {}): RedisClient {
  const client = makeClient(to, what, watch);
  client
    .connect()
    .catch((error: unknown) => log.warn(`Redis (${what}) refused us`, { cause: messageOf(error) }));
  return client;
}

/** The process's Redis; null where the platform gives none. */
export function redis(): RedisClient | null {
  return singleton("redis", () => {
    const { redis: to } = config();
    return to && connected(to, "commands");
  });
}

/**
 * The answer of Redis within half a second.
 * @throws Unavailable when there is no Redis, it can't be reached, is silent or refuses
 */
export async function ask<T>(question: (client: RedisClient) => Promise<T>): Promise<T> {
  const client = redis();
  if (client === null) throw new Unavailable("this app has no Redis: sign-in and limits need it");
  try {
    return await within(COMMAND_MS, "Redis", question(client));
  } catch (error) {
    throw new Unavailable(`Redis: ${messageOf(error)}`, { cause: error });
  }
}
