import { expect, it, vi } from "vitest";
import { checkHealth } from "@/lib/health";

const fine = async () => "PONG";
const refused = async () => {
  throw new Error("connect ECONNREFUSED 10.77.0.2:6379");
};
const silent = () => new Promise(() => {});

it("is ok when every service that the app has answers, and says how long each took", async () => {
  const { times, ...states } = await checkHealth({ database: fine, cache: fine, storage: null }, () => {});
  expect(states).toEqual({ status: "ok", database: "ok", cache: "ok", storage: "off" });
  expect(times).toEqual({ database: expect.any(Number), cache: expect.any(Number), storage: null });
});

it("is degraded when one fails, and says which but not why", async () => {
  const report = vi.fn();
  const health = await checkHealth({ database: fine, cache: refused, storage: fine }, report);
  expect(health).toMatchObject({ status: "degraded", database: "ok", cache: "failed", storage: "ok" });
  expect(JSON.stringify(health)).not.toContain("ECONNREFUSED");
  expect(report).toHaveBeenCalledWith("cache", new Error("connect ECONNREFUSED 10.77.0.2:6379"));
});

it("does not wait for a service that is silent", async () => {
  const health = await checkHealth({ database: silent, cache: silent, storage: silent }, () => {}, 50);
  expect(health).toMatchObject({
    status: "degraded",
    database: "failed",
    cache: "failed",
    storage: "failed",
  });
});
