import { randomUUID } from "node:crypto";
import type { Dataset } from "./config";
import type { Queryable } from "./migrate";

export interface OrderRequest {
  item_id: number;
  quantity: number;
  /** Chosen by the caller; sending it twice makes one order. */
  reference: string;
}

/** The request is unusable; the message is for its sender. */
export class BadRequest extends Error {}

const REFERENCE = /^[A-Za-z0-9._-]{1,64}$/;

function wholeNumber(value: unknown, name: string, min: number, max: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
  throw new BadRequest(`${name} must be a whole number from ${min} to ${max}`);
}

/** @throws BadRequest naming the field */
export function parseOrder(text: string): OrderRequest {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new BadRequest("the body must be JSON");
  }
  if (typeof body !== "object" || body === null) throw new BadRequest("the body must be a JSON object");
  const { item_id, quantity = 1, reference = randomUUID() } = body as Record<string, unknown>;
  if (typeof reference !== "string" || !REFERENCE.test(reference)) {
    throw new BadRequest("reference must be 1 to 64 letters, digits, dots, hyphens or underscores");
  }
  return {
    item_id: wholeNumber(item_id, "item_id", 1, 2 ** 31 - 1),
    quantity: wholeNumber(quantity, "quantity", 1, 100),
    reference,
  };
}

const INSERT = `INSERT INTO orders (item_id, quantity, reference)
  SELECT id, $2, $3 FROM items WHERE id = $1 AND dataset = $4
  ON CONFLICT (reference) DO NOTHING RETURNING id, item_id, quantity, reference, created_at`;
const FIND = "SELECT id, item_id, quantity, reference, created_at FROM orders WHERE reference = $1";

/**
 * Stores an order, or finds the one that already has its reference.
 * @throws BadRequest if there is no such item
 */
export async function placeOrder(db: Queryable, dataset: Dataset, order: OrderRequest) {
  const inserted = await db.query(INSERT, [order.item_id, order.quantity, order.reference, dataset]);
  if (inserted.rows[0]) return { created: true, order: inserted.rows[0] };
  const found = await db.query(FIND, [order.reference]);
  if (found.rows[0]) return { created: false, order: found.rows[0] };
  throw new BadRequest(`there is no item ${order.item_id}`);
}
