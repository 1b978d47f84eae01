import { expect, it } from "vitest";
import { ConfigError, readConfig, redisSocket } from "@/lib/config";

const MINIMAL = {
  DATABASE_URL: "postgresql://u:p@10.77.0.2:5432/food_delivery_db",
  NEXTAUTH_URL: "https://food.lab.test/x",
  NEXTAUTH_SECRET: "0123456789abcdef",
};
const STORAGE = {
  MINIO_ENDPOINT: "http://10.77.0.2:9000",
  MINIO_BUCKET: "food-delivery-uploads",
  MINIO_ACCESS_KEY: "key",
  MINIO_SECRET_KEY: "secret",
};

it("needs a database, an address and a secret only, and has no Redis and no bucket then", () => {
  const { redis, storage, dataset, registration, origin, database } = readConfig(MINIMAL);
  expect({ redis, storage, dataset, registration, origin }).toEqual({
    redis: null,
    storage: null,
    dataset: "restaurants",
    registration: "invite",
    origin: "https://food.lab.test",
  });
  expect(database.poolSize).toBe(8);
});

it("takes Redis as the platform gives it", () => {
  const env = { REDIS_HOST: "10.77.0.2", REDIS_DB: "5", REDIS_CHANNEL_PREFIX: "food_delivery:" };
  expect(readConfig({ ...MINIMAL, ...env }).redis).toMatchObject({
    port: 6379,
    database: 5,
    channelPrefix: "food_delivery:",
    tls: false,
  });
});

it("speaks TLS with a Redis that takes nothing else", () => {
  const env = { REDIS_HOST: "cache.example", REDIS_PORT: "16752", REDIS_TLS: "true" };
  const { redis } = readConfig({ ...MINIMAL, ...env });
  expect(redis && redisSocket(redis)).toEqual({ host: "cache.example", port: 16752, tls: true });
  const { redis: plain } = readConfig({ ...MINIMAL, REDIS_HOST: "10.77.0.2" });
  expect(plain && redisSocket(plain)).toEqual({ host: "10.77.0.2", port: 6379 });
});

it("signs for the public address of the bucket, or else for the only one there is", () => {
  expect(readConfig({ ...MINIMAL, ...STORAGE }).storage?.publicEndpoint).toBe("http://10.77.0.2:9000");
  const env = { ...MINIMAL, ...STORAGE, MINIO_PUBLIC_ENDPOINT: "https://s3.lab.test" };
  expect(readConfig(env).storage?.publicEndpoint).toBe("https://s3.lab.test");
});

it("takes empty variables for absent ones", () => {
  const { redis, title, registration } = readConfig({
    ...MINIMAL,
    REDIS_HOST: "",
    APP_TITLE: " ",
    REGISTRATION: "",
  });
  expect({ redis, title, registration }).toEqual({ redis: null, title: null, registration: "invite" });
});

it("lists every problem by name, and no value", () => {
  const env = {
    DATABASE_URL: "mysql://user:hunter2@db",
    NEXTAUTH_URL: "food.lab.test",
    NEXTAUTH_SECRET: "tooshort",
    REDIS_HOST: "redis",
    REDIS_DB: "two",
    REDIS_PORT: "70000",
    REDIS_TLS: "perhaps",
    MINIO_ENDPOINT: "10.77.0.2:9000",
    APP_DATASET: "cars",
    REGISTRATION: "everybody",
  };
  const names = Object.keys(env).filter((name) => name !== "REDIS_HOST");
  const read = () => readConfig(env);
  expect(read).toThrow(ConfigError);
  for (const name of [...names, "MINIO_BUCKET", "MINIO_SECRET_KEY"]) expect(read).toThrow(name);
  expect(read).not.toThrow(/hunter2|tooshort|cars|everybody/);
});
