import { describe, expect, it } from "vitest";
import { inspect } from "@/lib/images";
import { MOST_PICTURE_BYTES } from "@/types/upload";
import { HEIGHT, picture, WIDTH } from "../../scripts/picture";

const png = picture("x");

/** The picture's header with other sizes in it. */
function sized(width: number, height: number): Uint8Array {
  const bytes = Buffer.from(png);
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  return bytes;
}

const text = (said: string) => new TextEncoder().encode(said);

describe("a file", () => {
  it("is the picture that it says it is", async () => {
    expect(await inspect(png, "image/png")).toEqual({ clean: png, width: WIDTH, height: HEIGHT });
  });

  it.each([
    ["a PNG that says JPEG", png, "image/jpeg", "file-lies"],
    ["a page", text("<!DOCTYPE html><html><script>alert(1)</script>"), "image/png", "file-lies"],
    ["an SVG", text('<svg xmlns="http://www.w3.org/2000/svg"></svg>'), "image/png", "file-lies"],
    ["a ZIP", text("PK\u0003\u0004"), "image/webp", "file-lies"],
    ["a GIF", text("GIF89a\u0001\0\u0001\0"), "image/png", "file-lies"],
    ["nothing", new Uint8Array(), "image/png", "file-lies"],
    ["a picture and a page", Buffer.concat([png, text("<SCRIPT src=x>")]), "image/png", "file-lies"],
    [
      "a picture and a program",
      Buffer.concat([png, text("<?php system($_GET[0]);")]),
      "image/png",
      "file-lies",
    ],
    ["the beginning of a picture", png.subarray(0, 12), "image/png", "file-lies"],
    ["half of a picture", png.subarray(0, png.length / 2), "image/png", "picture-broken"],
    ["a picture of no width", sized(0, 10), "image/png", "picture-broken"],
    ["a picture too wide", sized(4_097, 10), "image/png", "picture-too-wide"],
    ["a picture too high", sized(10, 2 ** 31), "image/png", "picture-too-wide"],
    [
      "a picture of a byte too many",
      Buffer.concat([png, Buffer.alloc(MOST_PICTURE_BYTES)]),
      "image/png",
      "file-too-large",
    ],
  ] as const)("isn't taken: %s", async (_, bytes, type, wrong) => {
    expect(await inspect(bytes, type)).toEqual({ wrong });
  });

  it("may have 4096 pixels a side", async () => {
    const seen = await inspect(sized(4_096, 4_096), "image/png");
    expect(seen).toMatchObject({ width: 4_096, height: 4_096 });
  });

  it("that is cut or changed anywhere never throws", async () => {
    for (let at = 0; at < Math.min(png.length, 200); at++) {
      const changed = Buffer.from(png);
      changed[at] = (changed[at] ?? 0) ^ 0xff;
      expect(await inspect(changed, "image/png")).toBeTypeOf("object");
      expect(await inspect(png.subarray(0, at), "image/png")).toBeTypeOf("object");
    }
  });
});
