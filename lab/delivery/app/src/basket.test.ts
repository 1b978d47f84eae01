import assert from "node:assert/strict";
import { test } from "node:test";
import { shown, total } from "./basket.js";

test("a basket costs the sum of its items", () => {
  const tea = { name: "tea", cents: 350, count: 2 };
  assert.equal(total([tea, { name: "cup", cents: 1290, count: 1 }]), 1990);
  assert.equal(total([]), 0);
});

test("cents are shown with two digits", () => {
  assert.equal(shown(1990), "19.90");
  assert.equal(shown(5), "0.05");
});
