import { describe, expect, it } from "vitest";
import { fieldsOf, itemChange, MOST, newItem, statusChange } from "@/types/item";
import { MOST_PICTURE_BYTES, uploadRequest } from "@/types/upload";

const GOOD = { name: "마도 국수", category: "Noodles", summary: "Broth & noodles", body: "", imageKey: null };

const wrong = (change: object, dataset = "restaurants") => {
  const found = fieldsOf(dataset).safeParse({ ...GOOD, ...change });
  return found.success
    ? {}
    : Object.fromEntries(found.error.issues.map((each) => [each.path.join("."), each.message]));
};

describe("what an author writes", () => {
  it.each([
    ["an apostrophe and SQL", "O'Brien'); DROP TABLE content_items;--"],
    ["signs that HTML uses", "Fish & Chips <3 > 2"],
    ["hangul", "서울식당"],
    ["emoji", "🍜 Noodles"],
    ["Arabic and its marks", "مطعم"],
    ["a family of emoji, joined", "👩\u200d👩\u200d👧 Table"],
    ["Persian with its half blank", "می\u200cخواهم"],
    ["a flag of emoji's tags", "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}"],
  ])("may be %s, and stays as it is", (_, name) => {
    expect(fieldsOf("restaurants").parse({ ...GOOD, name }).name).toBe(name);
  });

  it("loses the blanks around it, is composed, and has one kind of line end", () => {
    const { name, body } = fieldsOf("posts").parse({
      ...GOOD,
      name: "  cafe\u0301 ",
      body: "one\r\n\r\ntwo\n",
    });
    expect([name, body]).toEqual(["café", "one\n\ntwo"]);
  });

  it.each([
    ["nothing", "", "required"],
    ["blanks", "   ", "required"],
    ["a letter too many", "x".repeat(MOST.name + 1), "too-long"],
    ["a tag", "<b>bold</b>", "plain-text"],
    ["a script", "x<script>alert(1)</script>", "plain-text"],
    ["the end of a tag", "</title>", "plain-text"],
    ["a comment of HTML", "<!-- x", "plain-text"],
    ["a NUL", "a\0b", "characters"],
    ["a line end", "a\nb", "characters"],
    ["a line separator", "a\u2028b", "characters"],
    ["half a character", "a\uD800b", "characters"],
    ["letters turned round", "a\u202eb", "characters"],
    ["a mark that turns what follows", "a\u200fb", "characters"],
    ["an Arabic mark of direction", "a\u061cb", "characters"],
    ["a blank without width", "a\u200bb", "characters"],
    ["an empty Braille sign", "\u2800", "required"],
    ["a Hangul filler", "\u3164\u115f", "required"],
    ["a joiner with nothing to join", "\u200d", "required"],
    ["a number", 7, "text"],
    ["null", null, "text"],
    ["a list", ["x"], "text"],
    ["an object", { toString: "x" }, "text"],
  ])("can't be %s as its name", (_, name, message) => {
    expect(wrong({ name })).toEqual({ name: message });
  });

  it("has something to see wherever something has to be", () => {
    expect(wrong({ body: "\u2800\n\u3164" }, "posts")).toEqual({ body: "required" });
    expect(wrong({ body: "one\n\ttwo" }, "posts")).toEqual({});
    expect(wrong({ body: "one\u202etwo" })).toEqual({ body: "characters" });
  });

  it.each([
    ["category", "x".repeat(MOST.category + 1)],
    ["summary", "x".repeat(MOST.summary + 1)],
    ["body", "x".repeat(MOST.body + 1)],
  ])("has a most for its %s", (field, value) => {
    expect(wrong({ [field]: value })).toEqual({ [field]: "too-long" });
  });

  it("may have lines in its text, and no other control characters", () => {
    expect(wrong({ body: "one\n\n\ttwo" })).toEqual({});
    expect(wrong({ body: "one\u0007two" })).toEqual({ body: "characters" });
    expect(wrong({ body: "one\rtwo" })).toEqual({ body: "characters" });
  });

  it("is a text at least, where the dataset is posts", () => {
    expect(wrong({ body: " \n " }, "posts")).toEqual({ body: "required" });
    expect(wrong({ body: " \n " }, "listings")).toEqual({});
  });

  it("answers within a moment to twenty thousand signs of any kind", () => {
    for (const sign of ["\n", "\t", "<", " ", "x\n"]) {
      fieldsOf("posts").safeParse({ ...GOOD, body: sign.repeat(MOST.body / sign.length) });
    }
    expect(wrong({ body: `${"\n".repeat(MOST.body - 2)}\0x` })).toEqual({ body: "characters" });
  });

  it.each([
    "pending/x.png",
    "images/x.png",
    `images/${"a".repeat(64)}.svg`,
    `/images/${"a".repeat(64)}.png`,
    "",
  ])("has no picture like %j", (imageKey) => expect(wrong({ imageKey })).toEqual({ imageKey: "picture" }));

  it("has no field that it is not asked for", () => {
    expect(wrong({ authorId: "x" })).toEqual({ "": "unknown" });
    expect(wrong({ status: "active" })).toEqual({ "": "unknown" });
  });
});

describe("what is asked of an item", () => {
  it.each([0, -1, 1.5, "1", null, 2 ** 31, Number.NaN])("never names version %j", (version) => {
    expect(statusChange.safeParse({ version, status: "active" }).success).toBe(false);
    expect(itemChange("restaurants").safeParse({ ...GOOD, version }).success).toBe(false);
  });

  it("names a status that there is, and a form's key that is a UUID", () => {
    expect(statusChange.safeParse({ version: 1, status: "deleted" }).success).toBe(false);
    expect(newItem("restaurants").safeParse({ ...GOOD, formKey: "1" }).success).toBe(false);
    expect(newItem("restaurants").parse({ ...GOOD, formKey: crypto.randomUUID() }).publish).toBe(false);
  });
});

describe("an upload that is asked for", () => {
  it.each([
    [{ type: "image/svg+xml", size: 10 }, "picture-type"],
    [{ type: "text/html", size: 10 }, "picture-type"],
    [{ type: "image/png", size: MOST_PICTURE_BYTES + 1 }, "file-too-large"],
    [{ type: "image/png", size: 0 }, "empty-file"],
    [{ type: "image/png", size: "10" }, "number"],
    [{ type: "image/png", size: 10, key: "images/x" }, "unknown"],
  ])("is refused: %j", (request, message) => {
    expect(uploadRequest.safeParse(request).error?.issues.map((issue) => issue.message)).toEqual([message]);
  });

  it("may have a mebibyte and no more", () => {
    expect(uploadRequest.safeParse({ type: "image/webp", size: MOST_PICTURE_BYTES }).success).toBe(true);
  });
});
