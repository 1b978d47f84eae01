import { describe, expect, it } from "vitest";
import { patternOf, searchOf } from "@/lib/item-search";
import { numberOf } from "@/lib/numbers";
import { paragraphs } from "@/lib/paragraphs";

describe("a search", () => {
  it.each([
    [{}, { q: "", status: null, page: 1 }],
    [
      { q: "  국수 ", status: "draft", page: "3" },
      { q: "국수", status: "draft", page: 3 },
    ],
    [
      { q: ["one", "two"], page: ["2", "x"] },
      { q: "one", status: null, page: 2 },
    ],
    [
      { status: "deleted", page: "-1" },
      { q: "", status: null, page: 1 },
    ],
    [
      { status: "active' OR 1=1", page: "1e9" },
      { q: "", status: null, page: 100_000 },
    ],
    [{ page: "NaN" }, { q: "", status: null, page: 1 }],
    [{ q: "a\0b" }, { q: "a b", status: null, page: 1 }],
  ])("by %j is %j", (parameters, search) => expect(searchOf(parameters)).toEqual(search));

  it("is for a hundred characters at most, all of them whole", () => {
    const { q } = searchOf({ q: `${"x".repeat(99)}🍜${"y".repeat(1e5)}` });
    expect([q.length, q.isWellFormed()]).toEqual([100, true]);
  });

  it("finds the signs of patterns as they are", () => {
    expect(patternOf("100%_\\")).toBe("%100\\%\\_\\\\%");
  });
});

describe("the number of an item", () => {
  it.each(["0", "-1", "1.0", "01", " 1", "1e3", "0x1", "2147483648", "99999999999", "", "1;--", "١"])(
    "isn't %j",
    (text) => expect(numberOf(text)).toBeNull(),
  );

  it("is one that the column can have", () => {
    expect([numberOf("1"), numberOf("2147483647")]).toEqual([1, 2_147_483_647]);
  });
});

describe("a text", () => {
  it("has its paragraphs between empty lines", () => {
    const found = paragraphs("\n one\ntwo\n \n\n\nthree\n");
    expect(found).toEqual([
      { at: 0, text: "one\ntwo" },
      { at: 1, text: "three" },
    ]);
    expect(paragraphs("")).toEqual([]);
  });
});
