import { createHash } from "node:crypto";
import { fileTypeFromBuffer } from "file-type";
import { imageSize } from "image-size";
import { describe, expect, it } from "vitest";
import { HEIGHT, picture, WIDTH } from "../../scripts/picture";
import { SEEDS } from "../../scripts/seed";

describe.each(Object.entries(SEEDS))("the demo's %s", (_, { items }) => {
  it("have some thirty rows that fit their columns, none twice", () => {
    expect(items.length).toBeGreaterThanOrEqual(28);
    expect(new Set(items.map(({ slug }) => slug)).size).toBe(items.length);
    for (const { slug, name, category, summary, body = "" } of items) {
      expect(slug).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
      expect([slug.length <= 80, name.length <= 120, category.length <= 60]).toEqual([true, true, true]);
      expect([summary.length <= 500, body.length <= 20_000]).toEqual([true, true]);
    }
  });

  it("are mostly published, some are drafts and some archived, in Korean and English", () => {
    const count = (status?: string) => items.filter((item) => item.status === status).length;
    expect(count()).toBeGreaterThan(20);
    expect(count("draft")).toBeGreaterThan(0);
    expect(count("archived")).toBeGreaterThan(0);
    expect(count() + count("draft") + count("archived")).toBe(items.length);
    expect(items.some(({ name }) => /[가-힣]/.test(name))).toBe(true);
    expect(items.some(({ name }) => /^[\x20-\x7e]+$/.test(name))).toBe(true);
  });
});

describe("the demo's pictures", () => {
  it("are PNGs as an upload has to be", async () => {
    const bytes = picture("restaurants/copper-pot");
    expect(await fileTypeFromBuffer(bytes)).toEqual({ ext: "png", mime: "image/png" });
    expect(imageSize(bytes)).toMatchObject({ width: WIDTH, height: HEIGHT, type: "png" });
    expect(bytes.length).toBeLessThan(100_000);
  });

  it("are the same for the same row, and no two rows have the same", () => {
    const sums = SEEDS.posts.items.map(({ slug }) =>
      createHash("sha256").update(picture(slug)).digest("hex"),
    );
    expect(new Set(sums).size).toBe(sums.length);
    expect(picture("a").equals(picture("a"))).toBe(true);
  });
});
