import { describe, expect, it } from "vitest";
import { freeSlug, slugOf } from "@/lib/slug";

describe("a slug", () => {
  it.each([
    ["The Copper Pot", "the-copper-pot"],
    ["마도 국수", "마도-국수"],
    ["마도 국수".normalize("NFD"), "마도-국수"],
    ["  Café №1 — São Paulo!  ", "café-no1-são-paulo"],
    ["O'Brien'); DROP TABLE x;--", "o-brien-drop-table-x"],
    ["../../etc/passwd", "etc-passwd"],
    ["100% _fun_", "100-fun"],
    ["東京ラーメン", "東京ラーメン"],
    ["!!!", "item"],
    ["🍜", "item"],
  ])("of %j is %j", (name, slug) => expect(slugOf(name)).toBe(slug));

  it("has room for a number, and never ends in half a character or a hyphen", () => {
    expect(slugOf("x".repeat(120))).toHaveLength(70);
    expect(slugOf(`${"x".repeat(69)} y`)).toBe("x".repeat(69));
    const slug = slugOf(`${"x".repeat(69)}𠮷`);
    expect([slug.isWellFormed(), slug]).toEqual([true, "x".repeat(69)]);
  });

  it("is itself the slug of what it says, so an address can be made again", () => {
    for (const name of ["The Copper Pot", "마도 국수", "Café 12"])
      expect(slugOf(slugOf(name))).toBe(slugOf(name));
  });

  it("gets the first number that is free", () => {
    expect(freeSlug("x", new Set())).toBe("x");
    expect(freeSlug("x", new Set(["x", "x-2", "x-4"]))).toBe("x-3");
    expect(freeSlug("x", new Set(["x-2"]))).toBe("x");
  });
});
