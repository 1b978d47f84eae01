import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BadRequest, parseOrder, placeOrder } from "../../src/lib/orders";

describe("an order", () => {
  it("is for one piece and gets a reference unless it says otherwise", () => {
    const order = parseOrder('{"item_id": 7}');
    assert.deepEqual([order.item_id, order.quantity], [7, 1]);
    assert.match(order.reference, /^[0-9a-f-]{36}$/);
  });

  for (const [body, field] of [
    ["not json", "JSON"],
    ["[]", "item_id"],
    ["null", "object"],
    ['{"item_id": "7"}', "item_id"],
    ['{"item_id": 4294967296}', "item_id"],
    ['{"item_id": 1, "quantity": 1.5}', "quantity"],
    ['{"item_id": 1, "quantity": 101}', "quantity"],
    [`{"item_id": 1, "reference": "' OR 1=1"}`, "reference"],
    ['{"item_id": 1, "reference": ""}', "reference"],
  ] as const) {
    it(`is refused as ${body}, naming ${field}`, () => {
      assert.throws(
        () => parseOrder(body),
        (error: Error) => error instanceof BadRequest && error.message.includes(field),
      );
    });
  }

  it("reaches the database as parameters only, and an unknown item is the sender's mistake", async () => {
    const seen: unknown[] = [];
    const db = {
      query: async (sql: string, values: unknown[] = []) => {
        seen.push(...values);
        assert.ok(!sql.includes("ref-1"));
        return { rows: [] };
      },
    };
    const order = { item_id: 9, quantity: 3, reference: "ref-1" };
    await assert.rejects(placeOrder(db, "posts", order), /there is no item 9/);
    assert.deepEqual(seen, [9, 3, "ref-1", "posts", "ref-1"]);
  });
});
