import { randomBytes } from "node:crypto";
import { inject } from "vitest";
import { Services } from "../../scripts/services/services";

/** The services that the global set-up started. To stop and start some under a test: `Services.throwAway([…])`. */
export const services = new Services(inject("services"));

/** As the administrator of Redis, who sees what the app has there. */
export const inRedis = <T>(work: Parameters<typeof services.asRedisAdmin<T>>[0]) =>
  services.asRedisAdmin(work);

export const SECRET = "nextauth-secret-51f0-for-tests";

/** An empty database, and the environment of an app that owns it. Redis and the bucket are the same for all. */
export async function createDatabase(): Promise<Record<string, string>> {
  const name = `cms_${randomBytes(5).toString("hex")}`;
  await services.createDatabase(name);
  return {
    ...services.environment(name),
    NEXTAUTH_URL: "http://localhost:3000",
    NEXTAUTH_SECRET: SECRET,
    NEXT_PUBLIC_APP_NAME: "Food Delivery",
  };
}

/** Empties the app's index of Redis. */
export async function clearRedis(): Promise<void> {
  await services.asRedisAdmin((client) => client.flushDb());
}
