import { createConnection } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Services } from "../../scripts/services/services";
import { App, until } from "./app";
import { clearRedis } from "./fixtures";
import { ask, type Environment, freshApp, type Person, signedIn } from "./people";

let env: Environment;
let cache: Services;
let one: App;
let two: App;
let ann: Person;

beforeAll(async () => {
  await clearRedis();
  env = await freshApp();
  cache = await Services.throwAway(["cache"]);
  const { REDIS_PORT = "", REDIS_PASSWORD = "" } = cache.environment("none");
  env = { ...env, REDIS_PORT, REDIS_PASSWORD };
  [one, two] = [await App.ready(env), await App.ready(env)];
  ann = await signedIn(env, "Ann", "editor");
  // The first listener of a process makes it listen to Redis, and hears when it does.
  for (const listener of await listeners()) {
    await until("the subscription", () => expect(listener.changes).toBe(1));
    listener.leave();
  }
});
afterAll(async () => {
  await Promise.all([one?.stop(), two?.stop()]);
  await cache?.stop();
});

/** What a browser that listens to the app has heard. */
class Listener {
  heard = "";
  ended = false;
  readonly #stop = new AbortController();

  static async of(app: App): Promise<Listener> {
    const listener = new Listener();
    const { signal } = listener.#stop;
    const answer = await fetch(app.url("/api/events"), { signal });
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
    void listener.#listen(answer);
    await until("the greeting", () => expect(listener.heard).toContain("retry: 1000\n\n"));
    return listener;
  }

  async #listen(answer: Response): Promise<void> {
    const decoder = new TextDecoder();
    try {
      for await (const bytes of answer.body ?? []) this.heard += decoder.decode(bytes, { stream: true });
    } catch {
      // Broken off, by us or with the process.
    }
    this.ended = true;
  }

  get changes(): number {
    return this.heard.split("event: changed\n").length - 1;
  }

  leave(): void {
    this.#stop.abort();
  }
}

const publish = async (app: App) => {
  const fields = { name: "x", category: "x", summary: "x", body: "", imageKey: null };
  const form = { ...fields, formKey: crypto.randomUUID(), publish: true };
  const { status, body } = await ask(app, ann, "POST", "/api/items", form);
  expect(status).toBe(201);
  return body.item;
};

/** Of both processes. */
const listeners = () => Promise.all([Listener.of(one), Listener.of(two)]);

describe("GET /api/events", () => {
  it("tells the listeners of every process of a change, and not of a draft's", async () => {
    const both = await listeners();
    const form = {
      formKey: crypto.randomUUID(),
      name: "x",
      category: "x",
      summary: "x",
      body: "",
      imageKey: null,
    };
    await ask(one, ann, "POST", "/api/items", form);
    const { id } = await publish(two);
    await until("the news", () => {
      expect(both.map(({ changes }) => changes)).toEqual([1, 1]);
    });
    await ask(one, ann, "PATCH", `/api/items/${id}`, { version: 1, status: "archived" });
    await until("the news", () => {
      expect(both.map(({ changes }) => changes)).toEqual([2, 2]);
    });
    const data = JSON.parse(/data: (.*)\n\n$/.exec(both[0].heard)?.[1] ?? "{}");
    expect(data).toEqual({ dataset: "restaurants", at: expect.stringMatching(/Z$/), spread: 500 });
    for (const listener of both) listener.leave();
  });

  it("tells them to look again after a time without Redis, and works on", async () => {
    const both = await listeners();
    await cache.stop(["cache"]);
    await cache.start(["cache"]);
    const heard = (changes: number) => () =>
      expect(both.map((each) => each.changes)).toEqual([changes, changes]);
    await until("the news", heard(1));
    ann = await signedIn(env, "Ann", "editor");
    await publish(two);
    await until("the news", heard(2));
    for (const listener of both) listener.leave();
  });

  it("has a thousand listeners a process, and refuses one more for a moment", async () => {
    const sockets = Array.from({ length: 1_000 }, () => createConnection(two.port, "127.0.0.1"));
    for (const [number, socket] of sockets.entries()) {
      socket.on("error", () => undefined);
      const address = `203.0.${Math.floor(number / 250)}.${number % 250}`;
      socket.write(`GET /api/events HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: ${address}\r\n\r\n`);
    }
    await until("a full house", async () => {
      const answer = await fetch(two.url("/api/events"));
      await answer.body?.cancel();
      expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "10"]);
    });
    for (const socket of sockets) socket.destroy();
    await until("room", async () => {
      const answer = await fetch(two.url("/api/events"));
      await answer.body?.cancel();
      expect(answer.status).toBe(200);
    });
  });

  it("has twenty of an address, and asks it to come again for one more", async () => {
    const headers = { "X-Forwarded-For": "198.51.100.7" };
    const answers = [];
    for (let made = 0; made < 21; made++) answers.push(await fetch(one.url("/api/events"), { headers }));
    expect(answers.map(({ status }) => status)).toEqual([...Array(20).fill(200), 429]);
    expect(answers.at(-1)?.headers.get("retry-after")).toBe("10");
    for (const answer of answers) await answer.body?.cancel();
  });

  it("ends at once when the process is asked to stop, which then stops", async () => {
    const app = await App.ready(env);
    const all = await Promise.all(Array.from({ length: 5 }, () => Listener.of(app)));
    app.signal("SIGTERM");
    expect(await app.exited).toBe(0);
    await until("the ends", () => expect(all.map(({ ended }) => ended)).toEqual(Array(5).fill(true)));
    expect(app.lines().at(-1)).toMatchObject({ message: "stopped" });
  });
});
