import { afterAll, beforeEach, describe, expect, it, vi } from "vitest";
import { publishedChanged } from "@/lib/live";

const redis = vi.hoisted(() => ({ away: false, told: [] as string[] }));

vi.mock("@/lib/redis", () => ({
  ask: async (question: (client: object) => Promise<unknown>) => {
    if (redis.away) throw new Error("away");
    return question({
      del: async (keys: string[]) => redis.told.push(`del ${keys.join(" ")}`),
      publish: async (channel: string, what: string) => redis.told.push(`publish ${channel} ${what}`),
    });
  },
  connected: () => ({ on: () => undefined, destroy: () => undefined }),
}));

const ALL = ["del posts:list:active posts:list:lease", "publish demo:changed posts"];

beforeEach(() => {
  Object.assign(process.env, {
    DATABASE_URL: "postgresql://u:p@127.0.0.1/none",
    NEXTAUTH_URL: "https://food.lab.test",
    NEXTAUTH_SECRET: "0123456789abcdef",
    REDIS_HOST: "127.0.0.1",
    REDIS_CHANNEL_PREFIX: "demo:",
  });
  vi.useFakeTimers();
  redis.told = [];
});
afterAll(() => vi.useRealTimers());

describe("a change to what is published", () => {
  it("drops the list, then tells every process", async () => {
    await publishedChanged("posts");
    expect(redis.told).toEqual(ALL);
  });

  it("is told once Redis is back, where it was away at that moment", async () => {
    redis.away = true;
    await publishedChanged("posts");
    await publishedChanged("posts");
    await vi.advanceTimersByTimeAsync(10_000);
    expect([redis.told, vi.getTimerCount()]).toEqual([[], 1]);
    redis.away = false;
    await vi.advanceTimersByTimeAsync(1_000);
    expect([redis.told, vi.getTimerCount()]).toEqual([ALL, 0]);
  });
});
