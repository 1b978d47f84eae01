import assert from "node:assert/strict";
import { test } from "node:test";

import { RANGES, read, written } from "../../../codeb/data/console/settings.mjs";

const STATES = ["", "DOWN"];

test("an address without a query has the defaults, and they make none", () => {
  assert.equal(written(read("", STATES)), "");
});

test("what was chosen comes back from the address", () => {
  const chosen = { range: "6h", refresh: "0", scope: 'a&b="c', sort: "rate", descending: true, text: "é #", state: "DOWN" };
  assert.deepEqual(read(written(chosen), STATES), chosen);
});

test("what isn't a choice is the default", () => {
  const found = read("?range=99y&refresh=1&sort=-__proto__&state=HUNGRY&more=1", STATES);
  assert.deepEqual([found.range, found.refresh, found.sort, found.state], ["1h", "10", "state", ""]);
});

test("no range asks for more points than a screen has", () => {
  for (const { seconds, step } of Object.values(RANGES)) assert.ok(seconds / step <= 200 && seconds % step === 0);
});
