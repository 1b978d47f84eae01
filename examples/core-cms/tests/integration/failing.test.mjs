import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { AppProcess, assertCleanLogs, withApp } from "./process.mjs";
import { Services, until } from "./services.mjs";

let services;

/** The exit status of an app that is expected to give up by itself. */
async function failingStart(environment) {
  const app = await AppProcess.launch(environment);
  const code = await app.exited;
  return { code, cause: app.lines().find(({ message }) => message === "could not start")?.cause };
}

before(async () => {
  services = new Services();
  await services.start();
});

after(() => services.stop());

describe("an app that fails on purpose", () => {
  let environment;

  before(async () => {
    environment = await services.freshDatabase("failing");
  });

  it("crash: ends with status 1 and says so", async () => {
    const { code, cause } = await failingStart({ ...environment, DEMO_FAIL: "crash" });
    assert.deepEqual([code, cause], [1, "DEMO_FAIL=crash"]);
  });

  it("migration: ends with status 1, names the migration, and leaves the database usable", async () => {
    const { code, cause } = await failingStart({ ...environment, DEMO_FAIL: "migration" });
    assert.equal(code, 1);
    assert.match(cause, /^migration 999_demo_fail failed and was undone: /);
    await withApp(environment, async (app) => assert.equal((await app.get("/api/health")).status, 200));
  });

  it("unhealthy: serves, but its health check says 503", async () => {
    await withApp({ ...environment, DEMO_FAIL: "unhealthy" }, async (app) => {
      assert.equal((await app.get("/api/health")).status, 503);
      assert.equal((await app.get("/api/restaurants")).status, 200);
    });
  });

  it("slow: answers later than a release accepts", async () => {
    await withApp({ ...environment, DEMO_FAIL: "slow" }, async (app) => {
      const started = performance.now();
      assert.equal((await app.get("/api/health")).status, 200);
      assert.ok(performance.now() - started > 500);
    });
  });

  it("wrong-port: listens a thousand ports further", async () => {
    const app = await AppProcess.launch({ ...environment, DEMO_FAIL: "wrong-port", PORT: "23000" });
    try {
      await until("port 24000", () => fetch("http://127.0.0.1:24000/api/health"));
      await assert.rejects(fetch("http://127.0.0.1:23000/api/health"));
    } finally {
      await app.stop();
    }
  });
});

describe("an app whose platform is wrong", () => {
  it("refuses a wrong database password", async () => {
    const url = services.databaseUrl("failing", "wrong-password-1234");
    const { code, cause } = await failingStart({ ...services.environment("failing"), DATABASE_URL: url });
    assert.equal(code, 1);
    assert.match(cause, /password authentication failed/);
  });

  it("refuses a database whose certificate names another host", async () => {
    const url = services.databaseUrl("failing").replace("127.0.0.1", "localhost");
    const { code, cause } = await failingStart({ ...services.environment("failing"), DATABASE_URL: url });
    assert.equal(code, 1);
    assert.match(cause, /does not match certificate/);
  });

  it("refuses storage keys that do not fit", async () => {
    const environment = { ...services.environment("failing"), MINIO_SECRET_KEY: "wrong-secret-9876" };
    const { code, cause } = await failingStart(environment);
    assert.equal(code, 1);
    assert.match(cause, /storage answered 403 to PUT demo-uploads\/images\//);
  });

  it("names every missing variable at once", async () => {
    const { code, cause } = await failingStart({ MINIO_ENDPOINT: "10.0.0.1:9000" });
    assert.equal(code, 1);
    for (const name of ["DATABASE_URL", "MINIO_ENDPOINT", "MINIO_BUCKET", "MINIO_ACCESS_KEY"]) {
      assert.ok(cause.includes(name), cause);
    }
  });
});

it("wrote JSON lines only, and no secret in any of them", assertCleanLogs);
