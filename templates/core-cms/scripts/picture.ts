import { createHash } from "node:crypto";
import { crc32, deflateSync } from "node:zlib";

export const WIDTH = 480;
export const HEIGHT = 300;
const COLOURS = 64;

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const out = Buffer.alloc(named.length + 8);
  out.writeUInt32BE(data.length, 0);
  named.copy(out, 4);
  out.writeUInt32BE(crc32(named), named.length + 4);
  return out;
}

/** A PNG with a palette: `pixels` are places in `palette`, row by row. */
function png(width: number, height: number, palette: Buffer, pixels: Uint8Array): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3], 8); // eight bits a pixel, which name a colour of the palette
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y += 1)
    rows.set(pixels.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  const parts = [chunk("IHDR", header), chunk("PLTE", palette), chunk("IDAT", deflateSync(rows))];
  return Buffer.concat([Buffer.from("89504e470d0a1a0a", "hex"), ...parts, chunk("IEND", Buffer.alloc(0))]);
}

/** A picture of rings in two colours, WIDTH by HEIGHT: always the same for the same text, and not for another. */
export function picture(text: string): Buffer {
  const seed = createHash("sha256").update(text).digest();
  const at = (index: number): number => seed[index] ?? 0;
  const palette = Buffer.alloc(COLOURS * 3);
  for (let index = 0; index < COLOURS; index += 1) {
    for (let part = 0; part < 3; part += 1) {
      const [from, to] = [at(part) / 2, 96 + at(part + 3) / 2];
      palette[index * 3 + part] = Math.round(from + ((to - from) * index) / (COLOURS - 1));
    }
  }
  const [left, top, width] = [(at(6) / 255) * WIDTH, (at(7) / 255) * HEIGHT, 24 + at(8) / 4];
  const pixels = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, index) => {
    const distance = Math.hypot((index % WIDTH) - left, Math.floor(index / WIDTH) - top);
    return Math.round(((Math.sin(distance / width) + 1) / 2) * (COLOURS - 1));
  });
  return png(WIDTH, HEIGHT, palette, pixels);
}
