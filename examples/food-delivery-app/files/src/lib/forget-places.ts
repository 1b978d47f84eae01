import type { Pool } from "pg";

const FORGET = `DELETE FROM courier_places USING deliveries
  WHERE deliveries.id = courier_places.order_id
  AND (deliveries.delivered_at < now() - interval '1 hour' OR seen_at < now() - interval '6 hours')`;

/** Forgets where couriers were whose orders were delivered an hour ago, or who said nothing for six; tells of how many. */
export async function forgetPlaces(database: Pool): Promise<number> {
  return (await database.query(FORGET)).rowCount ?? 0;
}
