import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DATASETS } from "../../src/lib/config";
import { pagePolicy } from "../../src/lib/csp";
import { tickStream } from "../../src/lib/events";
import { itemImage } from "../../src/lib/image";
import { logLine, secretValues } from "../../src/lib/log";
import { routeOf } from "../../src/lib/metrics";
import { imageKey, seed, seedOf } from "../../src/lib/seed";
import { boundedInt, isUnreachable, messageOf, retry, singleton, within } from "../../src/lib/utils";

describe("the log", () => {
  const env = {
    DATABASE_URL: "postgresql://user:p%40ss%22word@host/db",
    REDIS_PASSWORD: "redis-pass",
    MINIO_SECRET_KEY: "",
  };

  it("blots out secrets, encoded, decoded and escaped", () => {
    const cause = `${env.DATABASE_URL} p@ss"word redis-pass`;
    const line = logLine("error", "failed", { cause }, secretValues(env));
    assert.doesNotMatch(line, /p%40ss|p@ss|redis-pass/);
    assert.equal(JSON.parse(line).cause, "postgresql://user:[redacted]@host/db [redacted] [redacted]");
  });

  it("has no secrets to hide in an empty environment", () => assert.deepEqual(secretValues({}), []));

  it("copes with a password that is not encoded properly", () => {
    assert.deepEqual(secretValues({ DATABASE_URL: "postgresql://u:100%zz@h/d" }), ["100%zz", "100%zz"]);
  });
});

describe("a page's policy", () => {
  it("lets images come from the public storage and nowhere else", () => {
    const policy = pagePolicy("n0", {
      MINIO_PUBLIC_ENDPOINT: "https://s3.lab.test/x",
      MINIO_ENDPOINT: "http://a:9",
    });
    assert.match(policy, /img-src 'self' https:\/\/s3\.lab\.test;/);
    assert.match(policy, /script-src 'self' 'nonce-n0' 'strict-dynamic';/);
    assert.doesNotMatch(policy, /unsafe/);
  });

  it("cannot be extended through the storage's address", () => {
    assert.match(pagePolicy("n0", { MINIO_ENDPOINT: "https://a; script-src *" }), /img-src 'self';/);
  });
});

describe("metrics", () => {
  it("label any path with one of a fixed set", () => {
    const paths = ["/api/orders?x=1", "/", "/_next/static/a.js", "/.env", "/api/orders/17"];
    assert.deepEqual(paths.map(routeOf), ["/api/orders", "/", "/_next", "other", "other"]);
  });
});

describe("the event stream", () => {
  it("begins at once and ends when the process stops", async () => {
    const stop = new AbortController();
    const text = new Response(tickStream({ version: "1" }, stop.signal, 20)).text();
    setTimeout(() => stop.abort(), 70);
    const events = (await text).split("\n\n").filter((part) => part.startsWith("event: tick"));
    assert.ok(events.length >= 2);
    assert.equal(events[0], 'event: tick\ndata: {"count":1,"version":"1"}');
  });

  it("is over for a reader who left, also when the process stops later", async () => {
    const stop = new AbortController();
    const stream = tickStream({}, stop.signal, 5);
    await stream.cancel();
    stop.abort();
    await new Promise((resolve) => setTimeout(resolve, 30));
  });

  it("ends at once in a process that is stopping", async () => {
    assert.match(await new Response(tickStream({}, AbortSignal.abort())).text(), /"count":1/);
  });
});

describe("seeds", () => {
  it("have unique slugs that need no escaping in a URL", () => {
    for (const dataset of DATASETS) {
      const slugs = seedOf(dataset).items.map(({ slug }) => slug);
      assert.equal(new Set(slugs).size, slugs.length);
      for (const slug of slugs) assert.match(imageKey(dataset, slug), /^images\/[a-z]+\/[a-z-]+\.svg$/);
    }
  });

  it("leave rows that exist alone", async () => {
    const statements: string[] = [];
    const query = async (sql: string) => {
      statements.push(sql);
      return { rows: [] };
    };
    await seed({ query }, "posts");
    assert.equal(statements.length, seedOf("posts").items.length);
    for (const sql of statements) assert.match(sql, /ON CONFLICT \(dataset, slug\) DO NOTHING/);
  });
});

describe("an image", () => {
  it("is the same every time and escapes what it shows", () => {
    assert.equal(itemImage("a", "<b> & c"), itemImage("a", "<b> & c"));
    assert.match(itemImage("a", "<b> & c"), /<title>&lt;b&gt; &amp; c<\/title>/);
    assert.match(itemImage("mado", "마도 국수"), />마<\/text>/);
  });
});

describe("helpers", () => {
  it("keep one instance of a name", () => {
    const [first, second] = [singleton("test", () => ({})), singleton("test", () => ({}))];
    assert.equal(first, second);
  });

  it("give up on work that takes too long, naming it", async () => {
    await assert.rejects(
      within(10, "Redis", new Promise(() => {})),
      /^Error: Redis did not answer within 10 ms$/,
    );
    assert.equal(await within(1_000, "Redis", Promise.resolve(1)), 1);
  });

  it("retry what may be not up yet, and nothing else", async () => {
    const refused = Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
    assert.ok(isUnreachable(refused));
    assert.ok(isUnreachable(new TypeError("fetch failed", { cause: refused })));
    assert.ok(!isUnreachable(Object.assign(new Error("no such role"), { code: "28P01" })));
    let tries = 0;
    const third = async () => {
      tries += 1;
      if (tries < 3) throw refused;
      return tries;
    };
    const patience = { forMs: 1_000, everyMs: 1, retryable: isUnreachable };
    assert.equal(await retry(third, patience), 3);
    const hopeless = () => Promise.reject(new Error("no such role"));
    await assert.rejects(retry(hopeless, patience), /no such role/);
    await assert.rejects(
      retry(() => Promise.reject(refused), { ...patience, forMs: 5 }),
      /refused/,
    );
  });

  it("say what went wrong even when the error has no message", () => {
    const unnamed = Object.assign(new AggregateError([]), { code: "ECONNREFUSED" });
    assert.deepEqual(
      [messageOf(unnamed), messageOf("text"), messageOf(new Error("m"))],
      ["ECONNREFUSED", "text", "m"],
    );
  });

  it("keep numbers within bounds", () => {
    const values = [null, "", "5", "-1", "99", "x", "1.5"].map((text) => boundedInt(text, 3, 0, 10));
    assert.deepEqual(values, [3, 3, 5, 0, 10, 3, 3]);
  });
});
