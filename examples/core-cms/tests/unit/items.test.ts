import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CACHE_SECONDS, listItems, type Sources } from "../../src/lib/items";

const ROW = { id: 1, slug: "a", name: "A", category: "c", summary: "s", image_key: "images/a.svg" };

function sources(over: Partial<Sources> = {}) {
  const stored = new Map<string, string>();
  const seen = { ttl: 0, queries: 0, signatures: 0, results: [] as string[], stored };
  const made: Sources = {
    cache: {
      get: async (key) => stored.get(key) ?? null,
      set: async (key, value, ttl) => {
        stored.set(key, value);
        seen.ttl = ttl;
      },
    },
    storage: {
      signedUrl: async (key) => {
        seen.signatures += 1;
        return `https://s3.lab.test/bucket/${key}?signature=${seen.signatures}`;
      },
    },
    rows: async () => {
      seen.queries += 1;
      return [ROW];
    },
    count: (result) => seen.results.push(result),
    ...over,
  };
  return { made, seen };
}

describe("the list of items", () => {
  it("asks the database once and the cache from then on, for five minutes", async () => {
    const { made, seen } = sources();
    const first = await listItems(made, "posts", "Posts");
    const second = await listItems(made, "posts", "Posts");
    assert.deepEqual([first.cached, second.cached, seen.queries, seen.ttl], [false, true, 1, CACHE_SECONDS]);
    assert.equal(CACHE_SECONDS, 300);
    assert.deepEqual(seen.results, ["miss", "hit"]);
  });

  it("signs anew for every answer, since a cached URL would outlive its hour", async () => {
    const { made, seen } = sources();
    const [first, second] = [await listItems(made, "posts", ""), await listItems(made, "posts", "")];
    assert.notEqual(first.items[0]?.image_url, second.items[0]?.image_url);
    assert.doesNotMatch([...seen.stored.values()].join(), /signature/);
  });

  it("shows neither the key of an image nor a URL without storage", async () => {
    const { items } = await listItems(sources({ storage: null }).made, "posts", "");
    assert.deepEqual(items, [{ id: 1, slug: "a", name: "A", category: "c", summary: "s", image_url: null }]);
  });

  it("keeps datasets apart in the cache", async () => {
    const { made } = sources();
    await listItems(made, "posts", "");
    assert.equal((await listItems(made, "listings", "")).cached, false);
  });

  it("serves from the database while the cache is broken", async (t) => {
    const output = t.mock.method(process.stdout, "write", () => true);
    const broken = async () => {
      throw new Error("Redis did not answer within 250 ms");
    };
    const { made, seen } = sources({ cache: { get: broken, set: broken } });
    const { cached, items } = await listItems(made, "posts", "");
    output.mock.restore();
    assert.deepEqual([cached, items.length, seen.results], [false, 1, ["error"]]);
    assert.equal(output.mock.callCount(), 2);
  });

  it("works without a cache", async () => {
    const { made, seen } = sources({ cache: null });
    assert.equal((await listItems(made, "posts", "")).cached, false);
    assert.deepEqual(seen.results, []);
  });
});
