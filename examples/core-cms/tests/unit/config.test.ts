import assert from "node:assert/strict";
import { it } from "node:test";
import { ConfigError, readConfig } from "../../src/lib/config";

const MINIMAL = { DATABASE_URL: "postgresql://u:p@10.77.0.2:5432/food_delivery_db" };
const STORAGE = {
  MINIO_ENDPOINT: "http://10.77.0.2:9000",
  MINIO_BUCKET: "food-delivery-uploads",
  MINIO_ACCESS_KEY: "key",
  MINIO_SECRET_KEY: "secret",
};

it("needs a database only, and has no cache and no storage then", () => {
  const { cache, storage, dataset, fault, database } = readConfig(MINIMAL);
  assert.deepEqual(
    { cache, storage, dataset, fault },
    { cache: null, storage: null, dataset: "restaurants", fault: null },
  );
  assert.equal(database.poolSize, 8);
});

it("begins cache keys with the app's Redis user", () => {
  const { cache } = readConfig({
    ...MINIMAL,
    REDIS_HOST: "10.77.0.2",
    REDIS_DB: "5",
    REDIS_USERNAME: "food_delivery",
  });
  assert.deepEqual([cache?.prefix, cache?.database, cache?.port], ["food_delivery:", 5, 6379]);
});

it("signs for the public address of the storage, or else for the only one there is", () => {
  assert.equal(readConfig({ ...MINIMAL, ...STORAGE }).storage?.publicEndpoint, "http://10.77.0.2:9000");
  const env = { ...MINIMAL, ...STORAGE, MINIO_PUBLIC_ENDPOINT: "https://s3.lab.test" };
  assert.equal(readConfig(env).storage?.publicEndpoint, "https://s3.lab.test");
});

it("takes empty variables for absent ones", () => {
  assert.equal(readConfig({ ...MINIMAL, REDIS_HOST: "", DEMO_FAIL: " ", DEMO_TITLE: "" }).fault, null);
});

it("lists every problem by name, and no value", () => {
  const env = {
    DATABASE_URL: "mysql://user:hunter2@db",
    REDIS_HOST: "redis",
    REDIS_DB: "two",
    REDIS_PORT: "70000",
    MINIO_ENDPOINT: "10.77.0.2:9000",
    DEMO_DATASET: "cars",
    DEMO_FAIL: "everything",
  };
  assert.throws(
    () => readConfig(env),
    (error: Error) => {
      assert.ok(error instanceof ConfigError);
      const names = [
        ...Object.keys(env).filter((name) => name !== "REDIS_HOST"),
        "MINIO_BUCKET",
        "MINIO_SECRET_KEY",
      ];
      for (const name of names) assert.ok(error.message.includes(name), name);
      assert.doesNotMatch(error.message, /hunter2|cars|everything/);
      return true;
    },
  );
});
