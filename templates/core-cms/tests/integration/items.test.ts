import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { App } from "./app";
import { clearRedis } from "./fixtures";
import { ask, type Environment, freshApp, type Person, rows, signedIn } from "./people";

let env: Environment;
let app: App;
let ann: Person;
let ben: Person;
let root: Person;

beforeAll(async () => {
  await clearRedis();
  env = await freshApp();
  app = await App.ready(env);
  ann = await signedIn(env, "Ann", "editor");
  ben = await signedIn(env, "Ben", "editor");
  root = await signedIn(env, "Root", "admin");
});
afterAll(() => app?.stop());
beforeEach(async () => {
  await rows(env, "TRUNCATE content_items, audit_log");
});

const draft = (more: object = {}) => ({
  formKey: crypto.randomUUID(),
  name: "마도 국수",
  category: "Noodles",
  summary: "Hand-pulled",
  body: "one\n\ntwo",
  imageKey: null,
  ...more,
});

const make = async (person: Person, more: object = {}) => {
  const made = await ask(app, person, "POST", "/api/items", draft(more));
  expect(made.status).toBe(201);
  return made.body.item;
};

const fieldsOf = ({ name, category, summary, body, imageKey }: Record<string, unknown>) => ({
  name,
  category,
  summary,
  body,
  imageKey,
});

const stored = () => rows(env, "SELECT name, status, version FROM content_items ORDER BY id");

describe("an item", () => {
  it("is made as a draft, changed, published, archived and deleted, and the audit trail says by whom", async () => {
    const item = await make(ann);
    expect(item).toMatchObject({
      slug: "마도-국수",
      status: "draft",
      version: 1,
      author: "Ann",
      publishedAt: null,
    });
    const path = `/api/items/${item.id}`;
    const changed = await ask(app, ann, "PUT", path, { ...fieldsOf(item), name: "Mado", version: 1 });
    expect(changed).toMatchObject({
      status: 200,
      body: { item: { name: "Mado", slug: "마도-국수", version: 2 } },
    });
    const published = await ask(app, ann, "PATCH", path, { version: 2, status: "active" });
    expect(published.body.item).toMatchObject({
      status: "active",
      version: 3,
      publishedAt: expect.any(String),
    });
    const archived = await ask(app, ann, "PATCH", path, { version: 3, status: "archived" });
    expect(archived.body.item).toMatchObject({
      status: "archived",
      publishedAt: published.body.item.publishedAt,
    });
    expect((await ask(app, ann, "DELETE", path, { version: 4 })).status).toBe(204);
    expect((await ask(app, ann, "GET", path)).status).toBe(404);
    const trail = await rows(env, "SELECT action, target, actor_id, details FROM audit_log ORDER BY id");
    expect(trail.map(({ action }) => action)).toEqual(["create", "change", "publish", "archive", "delete"]);
    expect(new Set(trail.map(({ target, actor_id }) => `${target} ${actor_id}`))).toEqual(
      new Set([`item:${item.id} ${ann.id}`]),
    );
    expect(trail[1]?.details).toEqual({ fields: ["name"] });
  });

  it("is made once by a form that is sent twice, also at the same time", async () => {
    const form = draft();
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => ask(app, ann, "POST", "/api/items", form)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 201]);
    expect(new Set(answers.map(({ body }) => body.item.id)).size).toBe(1);
    expect(await stored()).toHaveLength(1);
    expect(await rows(env, "SELECT 1 FROM audit_log")).toHaveLength(1);
  });

  it("isn't shown to somebody else who sends its form's key", async () => {
    const form = draft();
    await ask(app, ann, "POST", "/api/items", form);
    const { status, body } = await ask(app, ben, "POST", "/api/items", form);
    expect([status, body.error.item]).toEqual([409, undefined]);
    expect(await stored()).toHaveLength(1);
  });

  it("gets an address of its own, also where ten of the same name come at once", async () => {
    const made = await Promise.all(Array.from({ length: 4 }, () => make(ann)));
    expect(made.map(({ slug }) => slug).sort()).toEqual([
      "마도-국수",
      "마도-국수-2",
      "마도-국수-3",
      "마도-국수-4",
    ]);
  });

  it("is not overwritten by who saw an older one: he is told what is there now", async () => {
    const item = await make(ann);
    const path = `/api/items/${item.id}`;
    await ask(app, root, "PUT", path, { ...fieldsOf(item), name: "By root", version: 1 });
    for (const [method, value] of [
      ["PUT", { ...fieldsOf(item), name: "By Ann", version: 1 }],
      ["PATCH", { status: "active", version: 1 }],
      ["DELETE", { version: 1 }],
    ] as const) {
      const { status, body } = await ask(app, ann, method, path, value);
      expect(status).toBe(409);
      expect(body.error).toMatchObject({ code: "conflict", fields: { version: "stale" } });
      expect(body.error.item).toMatchObject({ name: "By root", version: 2, status: "draft" });
    }
    expect(await stored()).toEqual([{ name: "By root", status: "draft", version: 2 }]);
  });

  it("is changed by one of two who change it at the same moment", async () => {
    const item = await make(ann);
    const put = (name: string) =>
      ask(app, ann, "PUT", `/api/items/${item.id}`, { ...fieldsOf(item), name, version: 1 });
    const answers = await Promise.all(["a", "b", "c"].map(put));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
    expect(await stored()).toMatchObject([{ version: 2 }]);
  });

  it("is changed by its author and by admins, and read by every editor", async () => {
    const item = await make(ann);
    const path = `/api/items/${item.id}`;
    expect((await ask(app, ben, "GET", path)).body.item.name).toBe("마도 국수");
    for (const [method, value] of [
      ["PUT", { ...fieldsOf(item), name: "By Ben", version: 1 }],
      ["PATCH", { status: "active", version: 1 }],
      ["DELETE", { version: 1 }],
    ] as const) {
      expect(await ask(app, ben, method, path, value)).toMatchObject({
        status: 403,
        body: { error: { code: "forbidden" } },
      });
    }
    expect(await stored()).toEqual([{ name: "마도 국수", status: "draft", version: 1 }]);
    expect((await ask(app, root, "PATCH", path, { status: "active", version: 1 })).status).toBe(200);
  });

  it("of another dataset isn't there", async () => {
    const insert = `INSERT INTO content_items (dataset, slug, name, category, summary)
      VALUES ('posts', 'x', 'Other', 'x', 'x') RETURNING id`;
    const [other] = await rows<{ id: number }>(env, insert);
    const path = `/api/items/${other?.id}`;
    expect((await ask(app, root, "GET", path)).status).toBe(404);
    expect((await ask(app, root, "DELETE", path, { version: 1 })).status).toBe(404);
    expect(await stored()).toHaveLength(1);
  });
});

describe("bad input", () => {
  it.each([
    ["a name of HTML", { name: "<img src=x onerror=alert(1)>" }, { name: "plain-text" }],
    ["a name too long", { name: "x".repeat(121) }, { name: "too-long" }],
    ["a NUL", { summary: "a\0b" }, { summary: "characters" }],
    ["a list for a text", { category: ["x"] }, { category: "text" }],
    ["null for a text", { body: null }, { body: "text" }],
    ["a picture that isn't there", { imageKey: `images/${"a".repeat(64)}.png` }, { imageKey: "picture" }],
    ["a picture elsewhere", { imageKey: "../secret" }, { imageKey: "picture" }],
    ["a form's key that is none", { formKey: "' OR 1=1" }, { formKey: "id" }],
    [
      "somebody else as its author",
      { authorId: "00000000-0000-0000-0000-000000000000" },
      { body: "unknown" },
    ],
    ["several at once", { name: "", category: 1 }, { name: "required", category: "text" }],
  ])("is refused and nothing stored: %s", async (_, more, fields) => {
    const { status, body } = await ask(app, ann, "POST", "/api/items", draft(more));
    expect([status, body.error.code, body.error.fields]).toEqual([422, "invalid", fields]);
    expect(await stored()).toEqual([]);
    expect(await rows(env, "SELECT 1 FROM audit_log")).toEqual([]);
  });

  it("that is SQL is a text like any other", async () => {
    const name = "'); DROP TABLE content_items; --";
    expect((await make(ann, { name })).slug).toBe("drop-table-content_items".replace("_", "-"));
    expect(await stored()).toMatchObject([{ name }]);
  });

  it.each([
    ["no JSON", "{", 400],
    ["a number", "1", 422],
    ["a list", "[]", 422],
    ["100 kB and more", `"${"x".repeat(100_001)}"`, 413],
  ])("that is %s is refused", async (_, value, status) => {
    expect((await ask(app, ann, "POST", "/api/items", value)).status).toBe(status);
  });

  it.each(["0", "-1", "x", "1;DROP", "99999999999", "2147483647", "%00", "..%2F..", "1%20OR%201=1"])(
    "as an item's number isn't found: %s",
    async (id) => {
      for (const [method, value] of [["GET"], ["PUT", {}], ["PATCH", {}], ["DELETE", {}]] as const) {
        const { status } = await ask(app, root, method, `/api/items/${id}`, value);
        expect(id === "2147483647" && value ? 422 : 404).toBe(status);
      }
    },
  );

  it("of who isn't signed in is refused before it is read", async () => {
    for (const [method, path] of [
      ["GET", "/api/items"],
      ["POST", "/api/items"],
      ["PUT", "/api/items/1"],
      ["PATCH", "/api/items/1"],
      ["DELETE", "/api/items/1"],
      ["POST", "/api/uploads"],
      ["POST", "/api/uploads/x"],
    ] as const) {
      const { status, body } = await ask(app, null, method, path, method === "GET" ? undefined : "{");
      expect([path, status, body.error.code]).toEqual([path, 401, "signed-out"]);
    }
  });

  it("of another site's page is refused", async () => {
    const headers = { Origin: "https://evil.test", "Content-Type": "application/json", Cookie: ann.cookie };
    const answer = await fetch(app.url("/api/items"), {
      method: "POST",
      headers,
      body: JSON.stringify(draft()),
    });
    expect(answer.status).toBe(403);
    expect(await stored()).toEqual([]);
  });
});

describe("the list of items", () => {
  const list = async (query = "") => (await ask(app, ben, "GET", `/api/items${query}`)).body;

  it("has twenty a page, all of them once, what was changed last first", async () => {
    await rows(
      env,
      `INSERT INTO content_items (dataset, slug, name, category, summary, updated_at)
       SELECT 'restaurants', 's-' || n, 'Item ' || n, 'x', 'x', now() FROM generate_series(1, 45) n`,
    );
    const pages = [await list(), await list("?page=2"), await list("?page=3")];
    expect(pages.map(({ items }) => items.length)).toEqual([20, 20, 5]);
    expect(new Set(pages.flatMap(({ items }) => items.map(({ id }: { id: number }) => id))).size).toBe(45);
    expect(pages[0]).toMatchObject({ total: 45, page: 1, pages: 3 });
    expect(await list("?page=99")).toMatchObject({ page: 3 });
  });

  it("finds words in names, categories and summaries, and signs as they are", async () => {
    await make(ann, { name: "100% Noodles", category: "국수", summary: "a_b" });
    await make(ann, { name: "Pizza", category: "Oven", summary: "no noodles here" });
    const names = async (q: string) =>
      (await list(`?q=${encodeURIComponent(q)}`)).items.map(({ name }: { name: string }) => name);
    expect(await names("NOODLES")).toEqual(["Pizza", "100% Noodles"]);
    expect(await names("국수")).toEqual(["100% Noodles"]);
    expect(await names("%")).toEqual(["100% Noodles"]);
    expect(await names("a_b")).toEqual(["100% Noodles"]);
    expect(await names("_")).toEqual(["100% Noodles"]);
    expect(await names("\\")).toEqual([]);
    expect(await names("' OR 1=1 --")).toEqual([]);
    expect(await names("a\0b")).toEqual([]);
  });

  it("has one status where it is asked for", async () => {
    await make(ann, { publish: true });
    await make(ann);
    expect((await list("?status=active")).items).toMatchObject([{ status: "active" }]);
    expect((await list("?status=draft")).total).toBe(1);
    expect((await list("?status=nonsense")).total).toBe(2);
  });
});
