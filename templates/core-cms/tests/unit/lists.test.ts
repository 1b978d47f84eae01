import { describe, expect, it } from "vitest";
import { answerOf, heldList, listText, type Row, type Sources } from "@/lib/lists";

const row = (id: number, more: Partial<Row> = {}): Row => ({
  id,
  slug: `item-${id}`,
  name: `Item ${id}`,
  category: "Noodles",
  summary: 'with "quotes", \\ and \u0001 in it',
  published_at: new Date("2026-11-28T12:00:00Z"),
  image_key: null,
  ...more,
});

const sign = (key: string) => `https://bucket.test/${key}?sig="1"`;

/** A cache with leases as Redis keeps them, and rows that a test changes. */
class World {
  held: string | null = null;
  lease: string | null = null;
  rows = [row(1)];
  away = false;
  readonly counted: string[] = [];

  drop() {
    this.held = null;
    this.lease = null;
  }

  sources(read: () => Promise<Row[]> = async () => this.rows): Sources {
    return {
      find: async (fresh) => {
        if (this.away) throw new Error("away");
        if (this.held !== null) return { text: this.held };
        this.lease ??= fresh;
        return { lease: this.lease };
      },
      store: async (lease, text) => {
        if (this.away) throw new Error("away");
        if (lease === this.lease) this.held = text;
      },
      rows: async () => {
        const rows = await read();
        return { rows, total: rows.length };
      },
      sign,
      count: (result) => this.counted.push(result),
    };
  }

  async ask(read?: () => Promise<Row[]>) {
    return JSON.parse(await listText("restaurants", this.sources(read)));
  }
}

function signal() {
  let give = () => {};
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { given, give };
}

/** A reader whose rows were read when this resolves, and come when `arrive` is called. */
async function slowReader(world: World) {
  const [read, gate] = [signal(), signal()];
  const answer = world.ask(async () => {
    const rows = world.rows;
    read.give();
    await gate.given;
    return rows;
  });
  await read.given;
  return { answer, arrive: gate.give };
}

describe("a held list", () => {
  it("becomes the answer, with a URL signed for each picture", async () => {
    const held = heldList("posts", [row(2, { image_key: "images/a.png" }), row(1)], 7);
    expect(JSON.parse(answerOf(held, true, sign))).toEqual({
      posts: [
        {
          id: 2,
          slug: "item-2",
          name: "Item 2",
          category: "Noodles",
          summary: 'with "quotes", \\ and \u0001 in it',
          published_at: "2026-11-28T12:00:00.000Z",
          image_url: 'https://bucket.test/images/a.png?sig="1"',
        },
        expect.objectContaining({ id: 1, image_url: null }),
      ],
      total: 7,
      cached: true,
    });
  });

  it("says that there is no picture where there is no bucket", async () => {
    const held = heldList("posts", [row(1, { image_key: "images/a.png" })], 1);
    expect(JSON.parse(answerOf(held, false, null)).posts[0].image_url).toBeNull();
  });

  it("has its URLs signed anew as soon as the first one is another, and not before", () => {
    const held = heldList("posts", [row(1, { image_key: "a" }), row(2, { image_key: "b" })], 2);
    let [minute, signed] = [1, 0];
    const counting = (key: string) => {
      signed += 1;
      return `${key}-${minute}`;
    };
    const urls = () =>
      JSON.parse(answerOf(held, true, counting)).posts.map((post: { image_url: string }) => post.image_url);
    expect([urls(), urls(), signed]).toEqual([["a-1", "b-1"], ["a-1", "b-1"], 4]);
    minute = 2;
    expect(urls()).toEqual(["a-2", "b-2"]);
    const changed = heldList("posts", [row(1, { image_key: "a" })], 1);
    expect(JSON.parse(answerOf(changed, true, counting)).total).toBe(1);
    expect(JSON.parse(answerOf(changed, true, null)).posts[0].image_url).toBeNull();
  });

  it("may have nothing in it", async () => {
    expect(answerOf(heldList("posts", [], 0), false, sign)).toBe('{"posts":[],"total":0,"cached":false}');
  });
});

describe("the list", () => {
  it("comes from the database once, then from the cache, until it is dropped", async () => {
    const world = new World();
    expect(await world.ask()).toMatchObject({ total: 1, cached: false });
    world.rows = [row(2), row(1)];
    expect(await world.ask()).toMatchObject({ total: 1, cached: true });
    world.drop();
    expect(await world.ask()).toMatchObject({ total: 2, cached: false });
    expect(world.counted).toEqual(["miss", "hit", "miss"]);
  });

  it("isn't stored by a reader who read before a change and comes after it", async () => {
    const world = new World();
    const { answer, arrive } = await slowReader(world);
    world.rows = [];
    world.drop();
    arrive();
    expect((await answer).total).toBe(1);
    expect(await world.ask()).toMatchObject({ total: 0, cached: false });
  });

  it("isn't stored by such a reader where another has laid down a lease since", async () => {
    const world = new World();
    const old = await slowReader(world);
    world.rows = [];
    world.drop();
    const fresh = await slowReader(world);
    old.arrive();
    await old.answer;
    expect(world.held).toBeNull();
    fresh.arrive();
    await fresh.answer;
    expect(await world.ask()).toMatchObject({ total: 0, cached: true });
  });

  it("comes from the database while the cache is away", async () => {
    const world = new World();
    await world.ask();
    world.away = true;
    expect(await world.ask()).toMatchObject({ total: 1, cached: false });
    expect(world.counted).toEqual(["miss", "error"]);
  });
});
