import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { eventStream, Hub, inSlices } from "@/lib/live";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const decoder = new TextDecoder();

async function next(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const { value } = await reader.read();
  return decoder.decode(value);
}

/** Whether the reader has to wait. */
const isWaiting = (read: Promise<unknown>) =>
  Promise.race([
    read.then(() => false),
    Promise.resolve()
      .then(() => Promise.resolve())
      .then(() => true),
  ]);

describe("a stream", () => {
  it("says how soon to come back, and what has changed", async () => {
    const hub = new Hub("posts");
    const reader = hub.stream().getReader();
    expect(await next(reader)).toBe("retry: 1000\n\n");
    hub.changed();
    const [event = "", data = ""] = (await next(reader)).trimEnd().split("\n");
    expect(event).toBe("event: changed");
    expect(JSON.parse(data.slice("data: ".length))).toEqual({
      dataset: "posts",
      spread: 500,
      at: expect.stringMatching(/^\d{4}-.*Z$/),
    });
  });

  it("has a comment every 25 s", async () => {
    const hub = new Hub("posts");
    const reader = hub.stream().getReader();
    await next(reader);
    vi.advanceTimersByTime(25_000);
    expect(await next(reader)).toBe(": still here\n\n");
  });

  it("owes a slow reader one event at most, however much happens", async () => {
    const hub = new Hub("posts");
    const reader = hub.stream().getReader();
    for (let times = 0; times < 10_000; times++) hub.changed();
    expect(await next(reader)).toBe("retry: 1000\n\n");
    expect(await next(reader)).toMatch(/^event: changed/);
    expect(await next(reader)).toMatch(/^event: changed/);
    expect(await isWaiting(reader.read())).toBe(true);
  });

  it("ends when its reader takes nothing for several heartbeats", () => {
    const hub = new Hub("posts");
    hub.stream();
    vi.advanceTimersByTime(25_000 * 10);
    expect(hub.size).toBe(0);
  });

  it("is forgotten when its reader leaves, and so is the clock", async () => {
    const hub = new Hub("posts");
    const readers = [hub.stream().getReader(), hub.stream().getReader()];
    expect([hub.size, vi.getTimerCount()]).toEqual([2, 1]);
    for (const reader of readers) await reader.cancel();
    expect([hub.size, vi.getTimerCount()]).toEqual([0, 0]);
  });

  it("ends at once when all end, after what was sent", async () => {
    const hub = new Hub("posts");
    const reader = hub.stream().getReader();
    hub.end();
    expect(await next(reader)).toBe("retry: 1000\n\n");
    expect((await reader.read()).done).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
    hub.changed();
  });

  it("has readers look again over a longer time the more there are, fifty a second", async () => {
    const hub = new Hub("posts");
    const [first] = Array.from({ length: 1_000 }, () => hub.stream());
    const reader = first?.getReader();
    await reader?.read();
    hub.changed();
    expect(decoder.decode((await reader?.read())?.value)).toContain('"spread":20000}');
  });
});

describe("a thousand streams", () => {
  it("end some at a time, and all in the time that is given", async () => {
    const hub = new Hub("posts");
    for (let made = 0; made < 1_000; made++) hub.stream();
    const left = [];
    hub.end(10_000);
    for (let tenths = 0; tenths < 100; tenths++) {
      left.push(hub.size);
      vi.advanceTimersByTime(100);
    }
    expect(left).toEqual(Array.from({ length: 100 }, (_, tenths) => 990 - tenths * 10));
    expect([hub.size, vi.getTimerCount()]).toEqual([0, 0]);
  });

  it("may be of several hubs, which end so together; those that are left meanwhile are passed over", async () => {
    const hubs = Array.from({ length: 40 }, () => new Hub("places"));
    const readers = hubs.map((hub) => hub.stream().getReader());
    inSlices(hubs, (hub) => hub.end(), 400);
    expect(hubs.filter(({ size }) => size === 0)).toHaveLength(10);
    await readers.at(-1)?.cancel();
    vi.advanceTimersByTime(400);
    expect(hubs.filter(({ size }) => size > 0)).toEqual([]);
  });
});

describe("a visitor's address", () => {
  const from = (address: string) => new Request("http://x/", { headers: { "X-Forwarded-For": address } });

  it("has twenty streams, and another one when one of them has ended", async () => {
    const hub = new Hub("posts");
    const ask = (address: string) => eventStream(from(address), hub, (to) => hub.stream(to));
    const answers = Array.from({ length: 20 }, () => ask("203.0.113.9"));
    expect(answers[0]?.headers.get("content-type")).toBe("text/event-stream");
    expect(() => ask("203.0.113.9")).toThrow(expect.objectContaining({ code: "too-often", retryAfter: 10 }));
    expect(ask("203.0.113.10").status).toBe(200);
    await answers[0]?.body?.cancel();
    expect(ask("203.0.113.9").status).toBe(200);
  });

  it("counts by its network where it is one of IPv6", () => {
    const hub = new Hub("posts");
    const ask = (address: string) => eventStream(from(address), hub, (to) => hub.stream(to));
    for (let made = 1; made <= 20; made++) ask(`2001:db8::${made}`);
    expect(() => ask("2001:db8::ffff")).toThrow(expect.objectContaining({ code: "too-often" }));
    expect(ask("2001:db8:0:1::1").status).toBe(200);
  });
});
