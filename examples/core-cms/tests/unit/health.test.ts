import assert from "node:assert/strict";
import { it } from "node:test";
import { checkHealth } from "../../src/lib/health";

const fine = async () => "PONG";
const refused = async () => {
  throw new Error("connect ECONNREFUSED 10.77.0.2:6379");
};
const silent = () => new Promise(() => {});

const unreported = () => assert.fail("nothing to report");

it("is ok when every service that the app has answers", async () => {
  const report = (_: string, error: unknown) => error === null || unreported();
  assert.deepEqual(await checkHealth({ database: fine, cache: fine, storage: null }, report), {
    status: "ok",
    database: "ok",
    cache: "ok",
    storage: "off",
  });
});

it("is degraded when one fails, and says which but not why", async () => {
  const reported: string[] = [];
  const report = (service: string, error: unknown) => error !== null && reported.push(`${service}: ${error}`);
  const health = await checkHealth({ database: fine, cache: refused, storage: fine }, report);
  assert.deepEqual(health, { status: "degraded", database: "ok", cache: "failed", storage: "ok" });
  assert.deepEqual(reported, ["cache: Error: connect ECONNREFUSED 10.77.0.2:6379"]);
});

it("does not wait for a service that is silent", async () => {
  const health = await checkHealth({ database: silent, cache: silent, storage: silent }, () => {}, 50);
  assert.deepEqual(health, { status: "degraded", database: "failed", cache: "failed", storage: "failed" });
});
