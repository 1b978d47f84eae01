/** The built app as a process, asked from outside. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { VERSION as version } from "../dist/version.js";

const server = fileURLToPath(new URL("../dist/server.js", import.meta.url));
const env = { PATH: process.env.PATH, PORT: "0", SHOP_TITLE: "Tea and cups" };
let child;
let url;

before(async () => {
  child = spawn(process.execPath, [server], { env, stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of createInterface({ input: child.stdout })) {
    const { message, address } = JSON.parse(line);
    if (message === "ready") {
      url = `http://127.0.0.1:${address.port}`;
      return;
    }
  }
  throw new Error("the app ended before it was ready");
});

after(() => child.kill());

test("the app says that it is well, and which version it is", async () => {
  const answer = await fetch(`${url}/api/health`);
  assert.equal(answer.status, 200);
  assert.deepEqual(await answer.json(), { status: "ok", database: "none", version, colour: null });
});

test("the page has the title that the environment says", async () => {
  const answer = await fetch(`${url}/`);
  assert.deepEqual(await answer.json(), { title: "Tea and cups", version, total: "19.90" });
});

test("other paths are not found", async () => {
  assert.equal((await fetch(`${url}/api/orders`)).status, 404);
});
