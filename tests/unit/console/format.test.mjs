import assert from "node:assert/strict";
import { test } from "node:test";

import * as words from "../../../codeb/data/console/format.mjs";

test("what is missing, or no number, is a dash", () => {
  for (const say of [words.count, words.rate, words.cores, words.percent, words.duration, words.bytes, words.age, words.clock]) {
    for (const value of [undefined, null, NaN, Infinity, -Infinity, "5"]) assert.equal(say(value), "–");
  }
});

test("figures have as many digits as a reader compares", () => {
  assert.equal(words.count(1_234_567.4), "1,234,567");
  assert.deepEqual([0, 0.0001, 0.0123, 0.5, 12.34, 1234].map(words.rate), ["0/s", "<0.001/s", "0.012/s", "0.50/s", "12.3/s", "1,234/s"]);
  assert.deepEqual([0, 0.00001, 0.0512, 0.25, 1].map(words.percent), ["0.00 %", "<0.01 %", "5.12 %", "25.0 %", "100.0 %"]);
  assert.deepEqual([0, 0.0001, 0.0123, 0.25, 1.5].map(words.duration), ["0 ms", "0.10 ms", "12.3 ms", "250 ms", "1.50 s"]);
  assert.deepEqual([0, 1023, 1536, 536_870_912, 3e15].map(words.bytes), ["0 B", "1023 B", "1.5 KiB", "512 MiB", "2728 TiB"]);
  assert.deepEqual([-1, 50, 150, 7_300, 200_000].map(words.age), ["0 s", "50 s", "3 min", "2 h", "2 d"]);
});

test("a clock has its day only when asked", () => {
  const moment = new Date(2026, 10, 28, 9, 5, 7).getTime() / 1000;
  assert.equal(words.clock(moment), "09:05");
  assert.equal(words.clock(moment, { second: true }), "09:05:07");
  assert.match(words.clock(moment, { day: true }), /28 Nov.*09:05/);
});
