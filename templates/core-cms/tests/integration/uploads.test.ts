import { createHash } from "node:crypto";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readConfig } from "@/lib/config";
import { Storage } from "@/lib/storage";
import { PENDING_MS, sweepPending } from "@/lib/sweep";
import type { UploadTicket } from "@/types/upload";
import { picture } from "../../scripts/picture";
import { App, until } from "./app";
import { clearRedis } from "./fixtures";
import { ask, type Environment, freshApp, type Person, rows, signedIn, withDatabase } from "./people";

let env: Environment;
let app: App;
let bucket: Storage;
let ann: Person;
let ben: Person;

beforeAll(async () => {
  await clearRedis();
  env = await freshApp();
  app = await App.ready(env);
  const { storage } = readConfig({ ...env, NEXTAUTH_URL: app.url("/") });
  if (storage === null) throw new Error("no bucket");
  bucket = new Storage(storage);
  ann = await signedIn(env, "Ann", "editor");
  ben = await signedIn(env, "Ben", "editor");
});
afterAll(() => app?.stop());

async function ticketFor(person: Person, bytes: Uint8Array, type = "image/png"): Promise<UploadTicket> {
  const { status, body } = await ask(app, person, "POST", "/api/uploads", { type, size: bytes.length });
  expect(status).toBe(201);
  return body;
}

/** Posts as a browser does; what `change` says stands in place of the ticket's own fields. */
async function post({ url, fields }: UploadTicket, bytes: Uint8Array, change: Record<string, string> = {}) {
  const form = new FormData();
  for (const [name, value] of Object.entries({ ...fields, ...change })) form.append(name, value);
  form.append("file", new Blob([new Uint8Array(bytes)]), "picture.png");
  const answer = await fetch(url, { method: "POST", body: form });
  await answer.arrayBuffer();
  return answer.status;
}

const confirm = (person: Person, id: string) => ask(app, person, "POST", `/api/uploads/${id}`);
const images = () => rows(env, "SELECT key, owner_id FROM images");
const isThere = async (key: string) => (await bucket.read(key, 1)) !== null;
const text = (said: string) => new TextEncoder().encode(said);

describe("a picture", () => {
  it("goes to the bucket, is looked at, and belongs to an item from then on", async () => {
    const bytes = picture("uploads 1");
    const ticket = await ticketFor(ann, bytes);
    expect(new URL(ticket.url).origin).toBe(env.MINIO_PUBLIC_ENDPOINT);
    expect(await post(ticket, bytes)).toBe(204);
    const { status, body } = await confirm(ann, ticket.id);
    const key = `images/${createHash("sha256").update(bytes).digest("hex")}.png`;
    expect([status, body]).toEqual([201, { key, url: expect.any(String), width: 480, height: 300 }]);
    const kept = await fetch(body.url);
    const said = ["content-type", "cache-control"].map((name) => kept.headers.get(name));
    expect(said).toEqual(["image/png", "private, max-age=3600"]);
    expect(Buffer.from(await kept.arrayBuffer()).equals(bytes)).toBe(true);
    expect(await isThere(ticket.key)).toBe(false);
    expect(await images()).toEqual([{ key, owner_id: ann.id }]);
    expect(await rows(env, "SELECT action, actor_id FROM audit_log")).toEqual([
      { action: "upload", actor_id: ann.id },
    ]);
    const form = { formKey: crypto.randomUUID(), name: "x", category: "x", summary: "x", body: "" };
    const made = await ask(app, ann, "POST", "/api/items", { ...form, imageKey: key, publish: true });
    expect(made.body.item).toMatchObject({ imageKey: key, imageUrl: expect.stringContaining(key) });
    const { restaurants } = (await app.get("/api/restaurants")).json();
    expect(restaurants[0].image_url).toContain(key);
  });

  it("that is there already stays its first owner's, and everybody may use it", async () => {
    const before = await images();
    const ticket = await ticketFor(ben, picture("uploads 1"));
    await post(ticket, picture("uploads 1"));
    expect((await confirm(ben, ticket.id)).status).toBe(201);
    expect(await images()).toEqual(before);
  });

  it("that is confirmed twice at once is one", async () => {
    const before = (await images()).length;
    const ticket = await ticketFor(ann, picture("uploads 2"));
    await post(ticket, picture("uploads 2"));
    const answers = await Promise.all([confirm(ann, ticket.id), confirm(ann, ticket.id)]);
    for (const { status } of answers) expect([201, 404]).toContain(status);
    expect(answers.some(({ status }) => status === 201)).toBe(true);
    expect(await images()).toHaveLength(before + 1);
  });
});

describe("the bucket refuses", () => {
  it.each([
    ["10 MB where 1 MiB is allowed", Buffer.alloc(10_000_000, 7), {}],
    ["a byte more than the form was made for", Buffer.concat([picture("x"), Buffer.alloc(1)]), {}],
    ["a byte less", picture("x").subarray(1), {}],
    ["nothing", Buffer.alloc(0), {}],
    ["another type", picture("x"), { "Content-Type": "text/html" }],
    ["another key", picture("x"), { key: "images/mine.png" }],
    ["another one's pending key", picture("x"), { key: "pending/x/y.png" }],
    ["a form that was changed", picture("x"), { Policy: Buffer.from("{}").toString("base64") }],
  ])("%s", async (_, bytes, change) => {
    const ticket = await ticketFor(ann, picture("x"));
    // Its answer may be lost where it hangs up on what is still being sent.
    const status = await post(ticket, bytes, change).catch(() => 400);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(await isThere(ticket.key)).toBe(false);
    expect((await confirm(ann, ticket.id)).status).toBe(404);
  });
});

describe("a file that lies", () => {
  it.each([
    ["a PNG as JPEG", picture("x"), "image/jpeg", "file-lies"],
    ["HTML as PNG", text("<!doctype html><script>alert(1)</script>"), "image/png", "file-lies"],
    [
      "SVG as PNG",
      text('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'),
      "image/png",
      "file-lies",
    ],
    [
      "a picture with a page behind it",
      Buffer.concat([picture("x"), text("<script>")]),
      "image/png",
      "file-lies",
    ],
    ["a picture that is cut", picture("x").subarray(0, 20), "image/png", "picture-broken"],
  ])("is refused and deleted: %s", async (_, bytes, type, wrong) => {
    const before = await images();
    const ticket = await ticketFor(ann, bytes, type);
    expect(await post(ticket, bytes)).toBe(204);
    const { status, body } = await confirm(ann, ticket.id);
    expect([status, body.error.fields]).toEqual([422, { file: wrong }]);
    expect(await isThere(ticket.key)).toBe(false);
    expect(await images()).toEqual(before);
  });
});

describe("a photo", () => {
  it("is published without its place and whatever else its camera noted, and not turned otherwise", async () => {
    const secret = "51.5N, by Kim";
    const bytes = await sharp({ create: { width: 60, height: 40, channels: 3, background: "#c63" } })
      .withExif({ IFD0: { Copyright: secret }, IFD3: { GPSLatitude: "51/1 30/1 0/1" } })
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer();
    expect(bytes.includes(secret)).toBe(true);
    const ticket = await ticketFor(ann, bytes, "image/jpeg");
    await post(ticket, bytes);
    const { status, body } = await confirm(ann, ticket.id);
    expect(status).toBe(201);
    const kept = Buffer.from(await (await fetch(body.url)).arrayBuffer());
    expect(kept.includes(secret)).toBe(false);
    expect(body.key).toContain(createHash("sha256").update(kept).digest("hex"));
    expect(await sharp(kept).metadata()).toMatchObject({ width: 60, height: 40, orientation: 6 });
    const [row] = await rows(env, "SELECT bytes FROM images WHERE key = $1", [body.key]);
    expect(row).toEqual({ bytes: kept.length });
  });
});

describe("a picture that no item has", () => {
  const uploaded = async (text: string): Promise<string> => {
    const ticket = await ticketFor(ann, picture(text));
    await post(ticket, picture(text));
    return (await confirm(ann, ticket.id)).body.key;
  };
  const made = async (imageKey: string) => {
    const form = { formKey: crypto.randomUUID(), name: "x", category: "x", summary: "x", body: "" };
    return (await ask(app, ann, "POST", "/api/items", { ...form, imageKey })).body.item.id as number;
  };
  const sweep = async (days: number) => {
    Object.assign(process.env, env, { NEXTAUTH_URL: app.url("/") });
    const { sweepImages, UNUSED_MS } = await import("@/lib/sweep");
    return sweepImages(bucket, Date.now() + days * UNUSED_MS);
  };

  it("is deleted a day after somebody saw that, row and object, unless an item has it by then", async () => {
    const [unused, used, again] = [await uploaded("alone"), await uploaded("with"), await uploaded("again")];
    const id = await made(used);
    expect(await sweep(0.9)).toBe(0);
    const second = await made(again);
    expect(await sweep(1.1)).toBeGreaterThan(0);
    expect(await Promise.all([unused, used, again].map(isThere))).toEqual([false, true, true]);
    expect(await rows(env, "SELECT key FROM images WHERE key = $1", [unused])).toEqual([]);
    await ask(app, ann, "DELETE", `/api/items/${id}`, { version: 1 });
    await sweep(0.9);
    expect(await isThere(used), "its day begins when nobody has it any more").toBe(true);
    await sweep(1.1);
    expect(await isThere(used)).toBe(false);
    await ask(app, ann, "DELETE", `/api/items/${second}`, { version: 1 });
  });

  it("may be uploaded again, which begins another day", async () => {
    const key = await uploaded("twice");
    await sweep(0);
    await rows(env, "UPDATE images SET unused_since = now() - interval '2 days' WHERE key = $1", [key]);
    await uploaded("twice");
    await sweep(0);
    expect(await isThere(key)).toBe(true);
    await sweep(1.1);
    expect(await isThere(key)).toBe(false);
    await uploaded("twice");
    expect([await isThere(key), await rows(env, "SELECT 1 FROM images WHERE key = $1", [key])]).toEqual([
      true,
      [expect.anything()],
    ]);
  });

  it("stays where an item takes it at the same moment", async () => {
    const key = await uploaded("at the same moment");
    const id = await made(key);
    await ask(app, ann, "DELETE", `/api/items/${id}`, { version: 1 });
    await sweep(0);
    await withDatabase(env, async (client) => {
      await client.query("BEGIN");
      await client.query(
        `INSERT INTO content_items (dataset, slug, name, category, summary, image_key)
         VALUES ('restaurants', 'taken', 'x', 'x', 'x', $1)`,
        [key],
      );
      const sweeping = sweep(1.1);
      await until("the sweep", async () =>
        expect(
          await rows(
            env,
            "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%FOR UPDATE%'",
          ),
        ).not.toEqual([]),
      );
      await client.query("COMMIT");
      await sweeping;
    });
    expect(await rows(env, "SELECT image_key FROM content_items WHERE slug = 'taken'")).toEqual([
      { image_key: key },
    ]);
    expect(await isThere(key)).toBe(true);
  });
});

describe("an upload", () => {
  it("of somebody else isn't there, and stays his", async () => {
    const ticket = await ticketFor(ann, picture("uploads 3"));
    await post(ticket, picture("uploads 3"));
    expect((await confirm(ben, ticket.id)).status).toBe(404);
    expect((await confirm(ann, ticket.id)).status).toBe(201);
  });

  it.each(["x", "..%2F..%2Fimages", "00000000-0000-0000-0000-000000000000.svg", "%00.png"])(
    "that has no such id isn't there: %s",
    async (id) => expect((await confirm(ann, id)).status).toBe(404),
  );

  it.each([
    [{ type: "image/svg+xml", size: 10 }, { type: "picture-type" }],
    [{ type: "image/png", size: 10_000_000 }, { size: "file-too-large" }],
    [{ type: "image/png", size: "1" }, { size: "number" }],
    [{ size: 1 }, { type: "picture-type" }],
  ])("is refused: %j", async (request, fields) => {
    const { status, body } = await ask(app, ann, "POST", "/api/uploads", request);
    expect([status, body.error.fields]).toEqual([422, fields]);
  });

  it("that nobody confirmed for an hour is deleted when a process looks", async () => {
    const ticket = await ticketFor(ann, picture("left over"));
    await post(ticket, picture("left over"));
    await sweepPending(bucket, Date.now() + PENDING_MS - 60_000);
    expect(await isThere(ticket.key)).toBe(true);
    await sweepPending(bucket, Date.now() + PENDING_MS + 60_000);
    expect(await isThere(ticket.key)).toBe(false);
  });

  it("is one of sixty in ten minutes for each user", async () => {
    const eve = await signedIn(env, "Eve", "editor");
    const request = { type: "image/png", size: 1 };
    const answers = [];
    for (let times = 0; times < 62; times++)
      answers.push(await ask(app, eve, "POST", "/api/uploads", request));
    expect(answers.map(({ status }) => status)).toEqual([...Array(60).fill(201), 429, 429]);
    expect(Number(answers.at(-1)?.headers.get("retry-after"))).toBeGreaterThan(0);
    await ticketFor(ann, picture("x"));
  });
});
