import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { App } from "./app";
import { clearRedis, createDatabase, services } from "./fixtures";
import { type Answer, makeAccount, makeTables, PASSWORD, query, Visitor } from "./visitor";

let env: Record<string, string>;
let app: App;

beforeAll(async () => {
  env = await createDatabase();
  await makeTables(env);
  await makeAccount(env, "kim@example.com");
  await makeAccount(env, "gone@example.com");
  await query(env, "UPDATE users SET disabled_at = now() WHERE email = 'gone@example.com'");
  app = await App.ready(env);
});
beforeEach(clearRedis);
afterAll(() => app.stop());

const WRONG = "not the password";

/** What of an answer its reader can tell apart. */
const seen = ({ status, headers, text }: Answer) => ({
  status,
  text,
  headers: [...headers].filter(([name]) => name !== "date"),
});

const guess = (email: string, address: string, password = WRONG) =>
  new Visitor(app, address).signIn(email, password);

/** Guesses one after the other; the statuses. */
async function guesses(many: number, email: string, address: (i: number) => string): Promise<number[]> {
  const statuses = [];
  for (let i = 0; i < many; i += 1) statuses.push((await guess(email, address(i))).status);
  return statuses;
}

/** Sets what has been counted, for a number that would take too long. */
async function exhaust(kind: string): Promise<void> {
  await services.asRedisAdmin(async (redis) => {
    const keys = await redis.keys(`limit:sign-in-${kind}:*`);
    expect(keys).toHaveLength(1);
    for (const key of keys) await redis.set(key, "1000", { expiration: "KEEPTTL" });
  });
}

it("answers alike whether there is an account, it is disabled, or the password is wrong", async () => {
  const answers = [
    await guess("kim@example.com", "192.0.2.1"),
    await guess("nobody@example.com", "192.0.2.2"),
    await guess("gone@example.com", "192.0.2.3"),
    await guess("gone@example.com", "192.0.2.4", PASSWORD),
  ].map(seen);
  expect(answers[0]).toMatchObject({ status: 401 });
  expect(JSON.parse(answers[0]?.text ?? "").error.code).toBe("wrong-credentials");
  for (const answer of answers) expect(answer).toEqual(answers[0]);
});

it("does the same work for an account that isn't there", async () => {
  // The least of three: the app does other work meanwhile, too.
  const took = async (email: string) => {
    const times: number[] = [];
    for (const last of [9, 10, 11]) times.push((await computed(() => guess(email, `192.0.2.${last}`))).cpu);
    return Math.min(...times);
  };
  const [there, not] = [await took("kim@example.com"), await took("nobody@example.com")];
  // What scrypt costs is above all else of an answer, so without it one would be a fraction of the other.
  expect(Math.min(there, not) / Math.max(there, not)).toBeGreaterThan(0.4);
});

/** Processor time of the app during `work`, in seconds, as it says itself. */
async function computed(work: () => Promise<unknown>): Promise<{ cpu: number }> {
  const now = async () => {
    const { text } = await app.get("/api/metrics");
    return Number(/^process_cpu_seconds_total (\S+)/m.exec(text)?.[1]);
  };
  const before = await now();
  await work();
  return { cpu: (await now()) - before };
}

it("stops who guesses after five, for an account that is there as for one that isn't", async () => {
  const one = await guesses(6, "kim@example.com", () => "192.0.2.1");
  const other = await guesses(6, "nobody@example.com", () => "192.0.2.2");
  expect(one).toEqual([401, 401, 401, 401, 401, 429]);
  expect(other).toEqual(one);
  const limited = await guess("kim@example.com", "192.0.2.1", PASSWORD);
  expect(limited.status).toBe(429);
  expect(seen(limited).text).toBe(seen(await guess("nobody@example.com", "192.0.2.2")).text);
  const wait = Number(limited.headers.get("retry-after"));
  expect(wait).toBeGreaterThan(60);
  expect(wait).toBeLessThanOrEqual(900);
});

it("counts guesses that come at once: of twenty five are looked at", async () => {
  const all = await Promise.all(Array.from({ length: 20 }, () => guess("kim@example.com", "192.0.2.1")));
  expect(all.filter(({ status }) => status === 401)).toHaveLength(5);
  expect(all.filter(({ status }) => status === 429)).toHaveLength(15);
});

it("who is right isn't counted, and who was wrong before gets in", async () => {
  for (let i = 0; i < 7; i += 1) {
    expect((await guess("kim@example.com", "192.0.2.1", PASSWORD)).status).toBe(200);
  }
  await guesses(4, "kim@example.com", () => "192.0.2.1");
  expect((await guess("kim@example.com", "192.0.2.1", PASSWORD)).status).toBe(200);
});

it("who has the password signs in sixty times an hour, so that nobody fills the trail with it", async () => {
  await guess("kim@example.com", "192.0.2.1", PASSWORD);
  await exhaust("right");
  const limited = await guess("kim@example.com", "192.0.2.1", PASSWORD);
  expect(limited.status).toBe(429);
  expect(Number(limited.headers.get("retry-after"))).toBeGreaterThan(3_000);
});

it("a household of IPv6 is one visitor", async () => {
  const statuses = await guesses(6, "kim@example.com", (i) => `2001:db8:1:2::${i + 1}`);
  expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);
  expect((await guess("kim@example.com", "2001:db8:1:3::1")).status).toBe(401);
});

it("an address is not heard for a while that guessed at many accounts; others are", async () => {
  await guess("a@example.com", "192.0.2.1");
  await exhaust("address");
  expect((await guess("b@example.com", "192.0.2.1")).status).toBe(429);
  expect((await guess("b@example.com", "192.0.2.2")).status).toBe(401);
});

it("nobody locks out another: his own browser gets in while strangers from everywhere guess", async () => {
  const own = new Visitor(app, "203.0.113.5");
  expect((await own.signIn("kim@example.com")).status).toBe(200);
  await own.signOut();

  await guess("kim@example.com", "192.0.2.1");
  await exhaust("account");
  expect((await guess("kim@example.com", "198.51.100.1", PASSWORD)).status).toBe(429);
  expect((await own.signIn("kim@example.com")).status).toBe(200);
});

it("nor does who shares the address, such as an office or a café", async () => {
  const own = new Visitor(app, "203.0.113.5");
  await own.signIn("kim@example.com");
  await own.signOut();
  expect(await guesses(6, "kim@example.com", () => "203.0.113.5")).toContain(429);
  await exhaust("address");
  expect((await own.signIn("kim@example.com")).status).toBe(200);
});

it("a browser that is known may be wrong five times, too", async () => {
  const own = new Visitor(app, "203.0.113.5");
  await own.signIn("kim@example.com");
  const statuses = [];
  for (let i = 0; i < 6; i += 1) statuses.push((await own.signIn("kim@example.com", WRONG)).status);
  expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);
});

it("Redis holds neither addresses nor names of accounts for it", async () => {
  await guess("kim@example.com", "192.0.2.77");
  const keys = await services.asRedisAdmin((redis) => redis.keys("*"));
  expect(keys.length).toBeGreaterThan(2);
  for (const key of keys) expect(key).toMatch(/^limit:sign-in-(pair|address|account):[\w-]{43}$/);
});

it("more passwords at once than the processor bears are refused for now, and the app goes on", async () => {
  const many = Array.from({ length: 60 }, (_, i) => guess(`${i}@example.com`, `192.0.2.${i}`));
  const answered = await Promise.all([...many, app.get("/api/health")]);
  const statuses = answered.slice(0, -1).map(({ status }) => status);
  expect([...new Set(statuses)].sort()).toEqual([401, 503]);
  expect(answered.at(-1)?.status).toBe(200);
  expect((await guess("kim@example.com", "192.0.2.200", PASSWORD)).status).toBe(200);
});
