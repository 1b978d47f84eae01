import { HeadObjectCommand, S3Client } from "@aws-sdk/client-s3";
import pg from "pg";
import { beforeAll, expect, it } from "vitest";
import { SEEDS } from "../../scripts/seed";
import { freePort } from "./app";
import { appFolder, buildTools, causeOf, lines, run } from "./commands";
import { createDatabase } from "./fixtures";
import { redisOf } from "./people";

beforeAll(buildTools);

async function query(env: Record<string, string>, sql: string) {
  const client = new pg.Client({ connectionString: env.DATABASE_URL });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

/** What the seeding reported. */
async function seeded(env: Record<string, string>) {
  const { code, stdout } = await run("migrate", [], { ...env, APP_SEED: "demo" }, appFolder());
  expect(code).toBe(0);
  return lines(stdout).find(({ message }) => message === "seeded");
}

it("APP_SEED=demo adds the dataset's rows once: what was edited or deleted since stays so", async () => {
  const env = { ...(await createDatabase()), APP_DATASET: "listings" };
  const all = SEEDS.listings.items.length;
  expect(await seeded(env)).toMatchObject({ added: all });
  await query(env, "UPDATE content_items SET name = 'Mine' WHERE slug = 'river-loft'");
  await query(env, "DELETE FROM content_items WHERE slug = 'brick-terrace'");
  await query(env, "UPDATE content_items SET slug = 'mine' WHERE slug = 'river-loft'");
  const before = await query(env, "SELECT slug, name FROM content_items ORDER BY id");
  expect(await seeded(env)).toMatchObject({ added: 0 });
  expect(await query(env, "SELECT slug, name FROM content_items ORDER BY id")).toEqual(before);
  expect(before).toHaveLength(all - 1);
  expect(await query(env, "SELECT DISTINCT dataset FROM content_items")).toEqual([{ dataset: "listings" }]);
  expect(await query(env, "SELECT 1 FROM users")).toEqual([]);
});

it("rows of another dataset are no rows of this one, and two release commands at once add them once", async () => {
  const env = await createDatabase();
  await seeded(env);
  const other = { ...env, APP_DATASET: "posts" };
  const [one, two] = await Promise.all([seeded(other), seeded(other)]);
  expect([one?.added, two?.added].sort()).toEqual([0, SEEDS.posts.items.length].sort());
});

it("a list that was held before the rows came is dropped, and its lease; without Redis the rows come all the same", async () => {
  const env = await createDatabase();
  const redis = await redisOf(env);
  const keys = ["restaurants:list:active", "restaurants:list:lease", "posts:list:active"];
  for (const key of keys) await redis.set(key, "held");
  await seeded(env);
  expect(await redis.mGet(keys)).toEqual([null, null, "held"]);
  await redis.set("restaurants:list:active", "held");
  await seeded(env);
  expect(await redis.mGet(keys), "nothing was added").toEqual(["held", null, "held"]);
  await redis.del(keys);
  redis.destroy();
  const lonely = { ...(await createDatabase()), REDIS_PORT: String(await freePort()) };
  expect(await seeded(lonely)).toMatchObject({ added: SEEDS.restaurants.items.length });
});

it("the release command forgets sign-ins of ninety days ago, and nothing else of the trail", async () => {
  const env = await createDatabase();
  await seeded(env);
  const at = (days: number, action: string) =>
    query(
      env,
      `INSERT INTO audit_log (at, action, target, address)
        VALUES (now() - interval '${days} days', '${action}', 'user:x', '192.0.2.1')`,
    );
  for (const action of ["sign-in", "sign-in-failed", "sign-out", "role"]) {
    await at(89, action);
    await at(91, action);
  }
  await seeded(env);
  const left = await query(
    env,
    "SELECT action, at < now() - interval '90 days' AS old FROM audit_log ORDER BY id",
  );
  expect(left.filter(({ old }) => old)).toEqual([{ action: "role", old: true }]);
  expect(left).toHaveLength(5);
});

it("published rows have a date, drafts have none, and the file's first is the newest", async () => {
  const env = await createDatabase();
  await seeded(env);
  const newest = await query(
    env,
    "SELECT slug FROM content_items WHERE status = 'active' ORDER BY published_at DESC",
  );
  const active = SEEDS.restaurants.items.filter(({ status }) => status === undefined);
  expect(newest.map(({ slug }) => slug)).toEqual(active.map(({ slug }) => slug));
  const wrong = "SELECT slug FROM content_items WHERE (status = 'active') <> (published_at IS NOT NULL)";
  expect(await query(env, wrong)).toEqual([]);
});

it("each row has a picture of its own in the bucket, noted with its size and type", async () => {
  const env: Record<string, string> = { ...(await createDatabase()), APP_DATASET: "posts" };
  await seeded(env);
  const images = await query(env, "SELECT key, content_type, bytes, width, height FROM images");
  expect(images.length).toBe(SEEDS.posts.items.length);
  expect(await query(env, "SELECT 1 FROM content_items WHERE image_key IS NULL")).toEqual([]);
  const credentials = {
    accessKeyId: env.MINIO_ACCESS_KEY ?? "",
    secretAccessKey: env.MINIO_SECRET_KEY ?? "",
  };
  const client = new S3Client({
    endpoint: env.MINIO_ENDPOINT,
    region: "us-east-1",
    credentials,
    forcePathStyle: true,
  });
  for (const { key, bytes } of images) {
    expect(key).toMatch(/^images\/[0-9a-f]{64}\.png$/);
    const head = await client.send(new HeadObjectCommand({ Bucket: env.MINIO_BUCKET, Key: key }));
    expect([head.ContentType, head.ContentLength]).toEqual(["image/png", bytes]);
  }
});

it("without a bucket the rows come without pictures", async () => {
  const { MINIO_ENDPOINT: _, ...env } = await createDatabase();
  expect(await seeded(env)).toMatchObject({ added: SEEDS.restaurants.items.length });
  expect(
    await query(
      env,
      "SELECT 1 FROM images UNION ALL SELECT 1 FROM content_items WHERE image_key IS NOT NULL",
    ),
  ).toEqual([]);
});

it("another APP_SEED is refused before anything runs, and none seeds nothing", async () => {
  const env = await createDatabase();
  const refused = await run("migrate", [], { ...env, APP_SEED: "everything" }, appFolder());
  expect([refused.code, causeOf(refused.stdout)]).toEqual([1, "APP_SEED must be demo, or not set"]);
  expect(await query(env, "SELECT 1 FROM pg_tables WHERE schemaname = 'public'")).toEqual([]);
  await run("migrate", [], env, appFolder());
  expect(await query(env, "SELECT 1 FROM content_items")).toEqual([]);
});
