import { createHash, randomBytes, randomUUID } from "node:crypto";
import { Pool } from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { forgetPlaces } from "@/lib/forget-places";
import { migrate } from "@/lib/migrate";
import { readMigrations } from "@/lib/migrations";
import { App, until } from "./app";
import { clearRedis, createDatabase } from "./fixtures";

const SEOUL = { latitude: 37.5665, longitude: 126.978 };

let environment: Record<string, string>;
let database: Pool;
let apps: App[];

const hash = (text: string) => createHash("sha256").update(text).digest("hex");
const newKey = () => randomBytes(24).toString("base64url");

/** An order, and the keys that are in its two links. */
async function order() {
  const [id, customer, courier] = [randomUUID(), newKey(), newKey()];
  const text =
    "INSERT INTO deliveries (id, restaurant, customer_key, courier_key) VALUES ($1, 'Seoul Kitchen', $2, $3)";
  await database.query(text, [id, hash(customer), hash(courier)]);
  return { id, customer, courier };
}

const json = { "Content-Type": "application/json" };

/** As the customer's browser: gives the key, and gets the cookie by which it follows. */
async function opened(app: App, id: string, key: string) {
  const answer = await fetch(app.url(`/api/orders/${id}/open`), {
    method: "POST",
    headers: json,
    body: JSON.stringify({ key }),
  });
  return { status: answer.status, cookie: answer.headers.get("set-cookie")?.split(";")[0] ?? "" };
}

async function sent(app: App, id: string, key: string, place: unknown = SEOUL) {
  const headers = { ...json, Authorization: `Bearer ${key}` };
  const body = JSON.stringify(place);
  return (await fetch(app.url(`/api/orders/${id}/place`), { method: "POST", headers, body })).status;
}

const app = (at = 0): App => {
  const found = apps[at];
  if (!found) throw new Error("no app");
  return found;
};

beforeAll(async () => {
  environment = await createDatabase();
  await clearRedis();
  await migrate(environment.DATABASE_URL ?? "", await readMigrations("prisma/migrations"));
  database = new Pool({ connectionString: environment.DATABASE_URL, max: 2 });
  const { NEXTAUTH_URL: _, ...own } = environment;
  apps = await Promise.all([App.ready(own), App.ready(own)]);
});

afterAll(async () => {
  await Promise.all(apps.map((each) => each.stop()));
  await database.end();
});

it("shows the customer where the courier is, at once, whichever process either of them reached", async () => {
  const { id, customer, courier } = await order();
  const { status, cookie } = await opened(app(0), id, customer);
  expect(status).toBe(204);
  const stop = new AbortController();
  const stream = await fetch(app(0).url(`/api/orders/${id}/events`), {
    headers: { cookie },
    signal: stop.signal,
  });
  expect(stream.headers.get("content-type")).toBe("text/event-stream");
  let heard = "";
  const reading = (async () => {
    for await (const chunk of stream.body ?? []) heard += new TextDecoder().decode(chunk);
  })().catch(() => undefined);
  await until("the stream", () => expect(heard).toContain("retry:"));

  expect(await sent(app(1), id, courier)).toBe(204);

  await until("the event", () => expect(heard).toContain("event: changed"), 5_000);
  stop.abort();
  await reading;
  const seen = (await app(0).get(`/api/orders/${id}/place`, { cookie })).json();
  expect(seen).toMatchObject({ restaurant: "Seoul Kitchen", status: "on_the_way", place: SEOUL });
});

it("is not there for who did not order", async () => {
  const [mine, other] = [await order(), await order()];
  const { cookie } = await opened(app(), other.id, other.customer);
  expect((await opened(app(), mine.id, other.customer)).status).toBe(404);
  expect((await opened(app(), mine.id, mine.courier)).status).toBe(404);
  for (const path of ["place", "events"]) {
    for (const cookies of ["", cookie, `order-${mine.id}=${newKey()}`]) {
      expect((await app().get(`/api/orders/${mine.id}/${path}`, { cookie: cookies })).status, path).toBe(404);
    }
  }
  expect(await sent(app(), mine.id, mine.customer)).toBe(404);
  expect(await sent(app(), mine.id, other.courier)).toBe(404);
  expect(await sent(app(), "1' OR '1'='1", mine.courier)).toBe(404);
  expect((await app().get("/api/orders")).status).toBe(401);
});

it.each([
  [{ ...SEOUL, latitude: 91 }],
  [{ ...SEOUL, longitude: "126" }],
  [{ latitude: null, longitude: 1 }],
  [{ ...SEOUL, speed: 3 }],
  [[37, 126]],
])("refuses %j for a place, and keeps nothing", async (place) => {
  const { id, courier } = await order();
  expect(await sent(app(), id, courier, place)).toBe(422);
  expect((await database.query("SELECT 1 FROM courier_places WHERE order_id = $1", [id])).rowCount).toBe(0);
});

it("takes so many places of a courier and no more", async () => {
  const { id, courier } = await order();
  const answers = await Promise.all(Array.from({ length: 40 }, () => sent(app(), id, courier)));
  expect(new Set(answers)).toEqual(new Set([204, 429]));
});

it("knows no place an hour after the delivery", async () => {
  const { id, customer, courier } = await order();
  await sent(app(), id, courier);
  const done = await fetch(app().url(`/api/orders/${id}/delivered`), {
    method: "POST",
    headers: { Authorization: `Bearer ${courier}` },
  });
  expect(done.status).toBe(204);
  expect(await sent(app(), id, courier), "it is over").toBe(404);
  await forgetPlaces(database);
  const { cookie } = await opened(app(), id, customer);
  const seen = async () => (await app().get(`/api/orders/${id}/place`, { cookie })).json();
  expect(await seen()).toMatchObject({ status: "delivered", place: SEOUL });

  await database.query("UPDATE deliveries SET delivered_at = now() - interval '61 minutes' WHERE id = $1", [
    id,
  ]);
  expect(await forgetPlaces(database)).toBeGreaterThan(0);
  expect(await seen()).toMatchObject({ status: "delivered", place: null });
});

it("knows no place of a courier who went silent six hours ago", async () => {
  const { id, courier } = await order();
  await sent(app(), id, courier);
  await database.query("UPDATE courier_places SET seen_at = now() - interval '7 hours' WHERE order_id = $1", [
    id,
  ]);
  await forgetPlaces(database);
  expect((await database.query("SELECT 1 FROM courier_places WHERE order_id = $1", [id])).rowCount).toBe(0);
});
