import { afterAll, beforeAll, expect, it } from "vitest";
import { App } from "./app";
import { clearRedis } from "./fixtures";
import { ask, type Environment, freshApp, type Person, rows, signedIn } from "./people";

let env: Environment;
let app: App;
let ann: Person;

beforeAll(async () => {
  await clearRedis();
  env = await freshApp();
  app = await App.ready(env);
  ann = await signedIn(env, "Ann", "editor");
});
afterAll(() => app?.stop());

it("an item's form that is sent before scripts are there puts nothing in an address, and changes nothing", async () => {
  const fields = { name: "Mine", category: "x", summary: "x", body: "", imageKey: null };
  const form = { ...fields, formKey: crypto.randomUUID() };
  const { id } = (await ask(app, ann, "POST", "/api/items", form)).body.item;
  for (const path of ["/dashboard/items/new", `/dashboard/items/${id}`]) {
    const { text } = await app.get(path, { Cookie: ann.cookie });
    expect(text.match(/<form[^>]*>/g)?.filter((tag) => !tag.includes('method="post"'))).toEqual([]);
    const answer = await fetch(app.url(path), {
      method: "POST",
      headers: { Cookie: ann.cookie, Origin: app.url("/").slice(0, -1) },
      body: new URLSearchParams({ ...fields, name: "Theirs", imageKey: "" }),
    });
    expect([answer.status < 500, answer.redirected]).toEqual([true, false]);
    await answer.arrayBuffer();
  }
  expect(await rows(env, "SELECT name FROM content_items")).toEqual([{ name: "Mine" }]);
});
