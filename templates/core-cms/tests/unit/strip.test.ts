import { deflateSync } from "node:zlib";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { stripped } from "@/lib/strip";
import { PICTURE_TYPES, type PictureType } from "@/types/upload";
import { picture } from "../../scripts/picture";

const SECRET = "51.5N, by Kim";
const pixels = Buffer.from(Array.from({ length: 40 * 30 * 3 }, (_, at) => (at * 7) % 251));
const plain = () => sharp(pixels, { raw: { width: 40, height: 30, channels: 3 } });
const FORMATS = { "image/jpeg": "jpeg", "image/png": "png", "image/webp": "webp" } as const;

/** As a phone makes it: turned on its side, with a place, words in XMP and in EXIF, and a colour profile. */
function photo(type: PictureType, options: object = {}): Promise<Buffer> {
  return plain()
    .withExif({ IFD0: { Copyright: SECRET, Software: SECRET }, IFD3: { GPSLatitude: "51/1 30/1 0/1" } })
    .withMetadata({ orientation: 6 })
    .withIccProfile("p3")
    .withXmp(`<x:xmpmeta xmlns:x="adobe:ns:meta/"><!-- ${SECRET} --></x:xmpmeta>`)
    .toFormat(FORMATS[type], options)
    .toBuffer();
}

const clean = (bytes: Uint8Array, type: PictureType) => Buffer.from(stripped(bytes, type) ?? []);
const decoded = (bytes: Buffer) => sharp(bytes).raw().toBuffer();

describe.each(PICTURE_TYPES)("a photo as %s", (type) => {
  it("loses its place, its words and its thumbnails, and no pixel, colour or turn", async () => {
    const before = await photo(type);
    const after = clean(before, type);
    const [had, has] = [await sharp(before).metadata(), await sharp(after).metadata()];
    expect(had.exif?.includes(SECRET)).toBe(true);
    expect([before.includes(SECRET), after.includes(SECRET), has.xmp]).toEqual([true, false, undefined]);
    expect([has.width, has.height, has.orientation]).toEqual([had.width, had.height, 6]);
    expect(has.icc?.equals(had.icc ?? Buffer.alloc(0))).toBe(true);
    expect((await decoded(after)).equals(await decoded(before))).toBe(true);
    expect(clean(after, type).equals(after), "once is enough").toBe(true);
  });

  it("that says nothing of how to turn it has no EXIF at all", async () => {
    const untold = await plain()
      .withExif({ IFD0: { Copyright: SECRET } })
      .toFormat(FORMATS[type])
      .toBuffer();
    const { exif, orientation } = await sharp(clean(untold, type)).metadata();
    expect([exif, orientation]).toEqual([undefined, undefined]);
  });

  it("loses what comes behind its end", async () => {
    const bytes = await photo(type);
    const other = await photo("image/jpeg");
    expect(clean(Buffer.concat([bytes, other, Buffer.from(SECRET)]), type).equals(clean(bytes, type))).toBe(
      true,
    );
  });

  it("that is cut or changed anywhere never throws", async () => {
    const bytes = await photo(type);
    for (let at = 0; at < bytes.length; at++) {
      stripped(bytes.subarray(0, at), type);
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 0xff;
      stripped(changed, type);
    }
    expect(stripped(bytes.subarray(0, bytes.length >> 1), type)).toBeNull();
  });
});

it("the scans of a progressive JPEG all stay", async () => {
  const bytes = await photo("image/jpeg", { progressive: true });
  const after = clean(bytes, "image/jpeg");
  expect((await sharp(after).metadata()).isProgressive).toBe(true);
  expect((await decoded(after)).equals(await decoded(bytes))).toBe(true);
});

it("a JPEG's comment and what Photoshop notes go", async () => {
  const bytes = await plain().jpeg().toBuffer();
  const segment = (marker: number) => {
    const data = Buffer.from(`Photoshop 3.0\0${SECRET}`);
    return Buffer.concat([Buffer.from([0xff, marker, 0, data.length + 2]), data]);
  };
  const noted = Buffer.concat([bytes.subarray(0, 2), segment(0xed), segment(0xfe), bytes.subarray(2)]);
  expect((await sharp(noted).metadata()).format).toBe("jpeg");
  expect(clean(noted, "image/jpeg").equals(bytes)).toBe(true);
});

it("a JPEG's thumbnails in JFIF and its extension go, and the picture is the same", async () => {
  const bytes = await plain().jpeg().toBuffer();
  const segment = (words: string, data: number[]) => {
    const all = Buffer.concat([Buffer.from(`${words}\0`), Buffer.from(data)]);
    return Buffer.concat([Buffer.from([0xff, 0xe0, 0, all.length + 2]), all]);
  };
  const withHead = (...head: Buffer[]) => Buffer.concat([bytes.subarray(0, 2), ...head, bytes.subarray(2)]);
  const without = segment("JFIF", [1, 2, 0, 0, 1, 0, 1, 0, 0]);
  const thumbnail = segment("JFIF", [1, 2, 0, 0, 1, 0, 1, 1, 1, 90, 90, 90]);
  const extension = segment("JFXX", [0x13, 1, 1, 90, 90, 90]);
  expect(clean(withHead(without, extension), "image/jpeg").equals(withHead(without))).toBe(true);
  expect(clean(withHead(thumbnail, extension), "image/jpeg").equals(bytes)).toBe(true);
  expect((await decoded(withHead(thumbnail))).equals(await decoded(bytes))).toBe(true);
});

it("a PNG's texts and time go, whichever way they are written", async () => {
  const bytes = picture("x");
  const chunk = (type: string, data: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    return Buffer.concat([length, Buffer.from(type), data, Buffer.alloc(4)]);
  };
  const texts = [
    chunk("tEXt", Buffer.from(`Author\0${SECRET}`)),
    chunk("zTXt", Buffer.concat([Buffer.from("Author\0\0"), deflateSync(SECRET)])),
    chunk("iTXt", Buffer.from(`Author\0\0\0\0\0${SECRET}`)),
    chunk("tIME", Buffer.alloc(7, 1)),
  ];
  const noted = Buffer.concat([bytes.subarray(0, 33), ...texts, bytes.subarray(33)]);
  expect(clean(noted, "image/png").equals(bytes)).toBe(true);
});

it("a picture that has nothing of it stays as it is, byte by byte", async () => {
  expect(clean(picture("y"), "image/png").equals(picture("y"))).toBe(true);
  for (const type of PICTURE_TYPES) {
    const bytes = await plain().toFormat(FORMATS[type]).toBuffer();
    expect(clean(bytes, type).equals(bytes)).toBe(true);
  }
});

it("a WebP of an odd number of bytes and one with transparency stay pictures", async () => {
  const seen = Buffer.from(Array.from({ length: 33 * 31 * 4 }, (_, at) => (at * 13) % 256));
  const bytes = await sharp(seen, { raw: { width: 33, height: 31, channels: 4 } })
    .withExif({ IFD0: { Copyright: SECRET } })
    .webp({ quality: 55 })
    .toBuffer();
  const after = clean(bytes, "image/webp");
  expect(after.includes(SECRET)).toBe(false);
  expect((await decoded(after)).equals(await decoded(bytes))).toBe(true);
});
