import { expect, it } from "vitest";
import { logLine, secretValues } from "@/lib/log";

const env = {
  DATABASE_URL: "postgresql://user:p%40ss%22word@host/db",
  REDIS_PASSWORD: "redis-pass",
  MINIO_SECRET_KEY: "",
};

it("blots out secrets, encoded, decoded and escaped", () => {
  const cause = `${env.DATABASE_URL} p@ss"word redis-pass`;
  const line = logLine("error", "failed", { cause }, secretValues(env));
  expect(line).not.toMatch(/p%40ss|p@ss|redis-pass/);
  expect(JSON.parse(line).cause).toBe("postgresql://user:[redacted]@host/db [redacted] [redacted]");
});

it("has no secrets to hide in an empty environment", () => expect(secretValues({})).toEqual([]));

it("copes with a password that is not encoded properly", () => {
  expect(secretValues({ DATABASE_URL: "postgresql://u:100%zz@h/d" })).toEqual(["100%zz", "100%zz"]);
});
