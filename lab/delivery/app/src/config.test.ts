import assert from "node:assert/strict";
import { test } from "node:test";
import { readConfig } from "./config.js";

test("what the environment doesn't say has a default", () => {
  assert.deepEqual(readConfig({}), {
    port: 3000,
    title: "Shop",
    colour: null,
    databaseUrl: null,
  });
});

test("a port that is none is refused by name", () => {
  assert.throws(() => readConfig({ PORT: "http" }), /PORT is not a port/);
});
