/** What becomes of an order whose connection ends under it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ITEM, place } from "../orders.js";

const ORDER = JSON.stringify({ item_id: ITEM, reference: "r-1" });
const ended = () => Object.assign(new Error("terminating connection due to administrator command"), { code: "57P01" });
const broken = () => new Error("Connection terminated unexpectedly");
const refused = () => Object.assign(new Error("permission denied for table orders"), { code: "42501" });

/** A pool that answers each query with the next of these: an error, or rows. */
function poolOf(...answers) {
  const asked = [];
  const query = async ({ name }) => {
    asked.push(name);
    const next = answers.shift();
    if (next instanceof Error) throw next;
    return { rows: next };
  };
  return { asked, query };
}

test("it is stored by another connection", async () => {
  const pool = poolOf(ended(), broken(), [{ id: 1 }]);
  assert.deepEqual(await place(pool, ORDER), { created: true, order: { id: 1 } });
  assert.deepEqual(pool.asked, ["place", "place", "place"]);
});

test("one that was stored before the connection ended is found", async () => {
  const pool = poolOf(ended(), [], [{ id: 1 }]);
  assert.deepEqual(await place(pool, ORDER), { created: false, order: { id: 1 } });
});

test("connections that go on ending are an error, as is any other at once", async () => {
  await assert.rejects(place(poolOf(ended(), ended(), ended(), []), ORDER), /administrator command/);
  const pool = poolOf(refused(), []);
  await assert.rejects(place(pool, ORDER), /permission denied/);
  assert.deepEqual(pool.asked, ["place"]);
});
