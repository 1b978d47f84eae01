/** Orders in Postgres. Each has a reference of its sender's, so that one that is sent twice is stored once. */
import { randomUUID } from "node:crypto";
import pg from "pg";
import { retried } from "./within.js";

/** The only item there is. */
export const ITEM = 1;
const REFERENCE = /^[A-Za-z0-9._-]{1,64}$/;
const START_MS = 30_000;
/** Of a connection: ended by an administrator (https://www.postgresql.org/docs/current/errcodes-appendix.html), or broken. */
const ENDED = new Set(["57P01", "ECONNRESET", "EPIPE"]);
const COLUMNS = "id, item_id, quantity, reference, created_at";
// In one transaction, so that the lock makes two colours that start at once take turns.
const PREPARE = `SELECT pg_advisory_xact_lock(3140001);
CREATE TABLE IF NOT EXISTS orders (
    id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    item_id    integer NOT NULL,
    quantity   integer NOT NULL CHECK (quantity BETWEEN 1 AND 100),
    reference  text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
)`;
const INSERT = `INSERT INTO orders (item_id, quantity, reference) VALUES ($1, $2, $3)
  ON CONFLICT (reference) DO NOTHING RETURNING ${COLUMNS}`;
const FIND = `SELECT ${COLUMNS} FROM orders WHERE reference = $1`;

/** The request is unusable; the message is for its sender. */
export class BadRequest extends Error {}

/** The URL's `sslmode` and `sslrootcert` decide on TLS. `onIdleError` hears of connections that break while idle. */
export function connect(url, size, onIdleError) {
  const pool = new pg.Pool({ connectionString: url, max: size, connectionTimeoutMillis: 3_000, query_timeout: 10_000, idleTimeoutMillis: 300_000 });
  return pool.on("error", onIdleError);
}

/** Opens every connection one after the other: the first visitors should not wait for handshakes. */
export async function warm(pool) {
  const clients = [];
  try {
    while (clients.length < pool.options.max) clients.push(await pool.connect());
  } finally {
    for (const client of clients) client.release();
  }
}

/** Creates the table if it is not there; a database that does not answer yet is tried for 30 s. */
export function prepare(pool) {
  return retried(START_MS, () => pool.query(PREPARE));
}

function parse(text) {
  let order;
  try {
    order = JSON.parse(text);
  } catch {
    throw new BadRequest("the body must be JSON");
  }
  const { item_id, quantity = 1, reference = randomUUID() } = order ?? {};
  if (item_id !== ITEM) throw new BadRequest(`item_id must be ${ITEM}, the only item there is`);
  if (!Number.isInteger(quantity) || quantity < 1 || quantity > 100) {
    throw new BadRequest("quantity must be a whole number from 1 to 100");
  }
  if (typeof reference !== "string" || !REFERENCE.test(reference)) {
    throw new BadRequest("reference must be 1 to 64 letters, digits, dots, hyphens or underscores");
  }
  return [item_id, quantity, reference];
}

/**
 * Asks again, twice at most, where the connection ended: those that the pool kept are dead after a restore, and one may be
 * handed out before its end was read. An order that was stored all the same is found by its reference.
 */
async function asked(pool, query) {
  for (let again = 2; ; again--) {
    try {
      return await pool.query(query);
    } catch (error) {
      const ended = ENDED.has(error.code) || /^Connection terminated/.test(error.message);
      if (!ended || again === 0) throw error;
    }
  }
}

/** Stores an order, or finds the one that already has its reference. Throws BadRequest. */
export async function place(pool, text) {
  const values = parse(text);
  const inserted = await asked(pool, { name: "place", text: INSERT, values });
  if (inserted.rows[0]) return { created: true, order: inserted.rows[0] };
  const found = await asked(pool, { name: "find", text: FIND, values: values.slice(2) });
  return { created: false, order: found.rows[0] };
}

/** How many orders are stored. */
export async function count(pool) {
  const { rows } = await pool.query("SELECT count(*)::int AS count FROM orders");
  return rows[0];
}
