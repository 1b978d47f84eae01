import { app } from "@/lib/app";
import { pool } from "@/lib/db";
import { answer, json } from "@/lib/http";
import { BadRequest, parseOrder, placeOrder } from "@/lib/orders";

export const dynamic = "force-dynamic";

const MAX_BODY = 16 * 1024;

/** Demo: stores an order. 201 with the order, 200 if its reference is known already, 400 naming the bad field. */
export const POST = (request: Request) =>
  answer(async () => {
    if (Number(request.headers.get("content-length") ?? MAX_BODY + 1) > MAX_BODY) {
      return json({ error: `the body must have a length of at most ${MAX_BODY} bytes` }, 413);
    }
    try {
      const order = parseOrder(await request.text());
      const placed = await placeOrder(pool(), app().config.dataset, order);
      return json(placed.order, placed.created ? 201 : 200);
    } catch (error) {
      if (error instanceof BadRequest) return json({ error: error.message }, 400);
      throw error;
    }
  });

/** Demo: how many orders are stored, so that a test can tell whether one was lost. */
export const GET = () =>
  answer(async () => {
    const { rows } = await pool().query<{ count: number }>("SELECT count(*)::int AS count FROM orders");
    return json(rows[0]);
  });
