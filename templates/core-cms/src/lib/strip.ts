import { crc32 } from "node:zlib";
import type { PictureType } from "@/types/upload";

/** What is left of a picture's metadata: how it is to be turned, from 2 to 8; 1 is as it is (TIFF's tag 0x0112). */
const ORIENTATION = 0x0112;
const SHORT = 3;

/** A piece of a file, and all of its bytes there. */
interface Part<Type> {
  type: Type;
  data: Buffer;
  raw: Buffer;
}

/** How a TIFF structure, which is what EXIF is, says to turn the picture; 1 where it doesn't. */
function orientationIn(tiff: Buffer): number {
  if (tiff.length < 14) return 1;
  const little = tiff.toString("latin1", 0, 2) === "II";
  const u16 = (at: number) => (little ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
  const first = little ? tiff.readUInt32LE(4) : tiff.readUInt32BE(4);
  if (first + 2 > tiff.length) return 1;
  for (let [at, left] = [first + 2, u16(first)]; left > 0 && at + 12 <= tiff.length; at += 12, left--) {
    if (u16(at) !== ORIENTATION || u16(at + 2) !== SHORT) continue;
    const value = u16(at + 8);
    return value >= 2 && value <= 8 ? value : 1;
  }
  return 1;
}

/** A TIFF structure that says how to turn the picture and nothing else. */
function tiffOf(orientation: number): Buffer {
  const tiff = Buffer.from("4d4d002a00000008000101120003000000010000000000000000", "hex");
  tiff.writeUInt16BE(orientation, 18);
  return tiff;
}

const EXIF = Buffer.from("Exif\0\0", "latin1");
const PROFILE = Buffer.from("ICC_PROFILE\0", "latin1");
const JFIF = Buffer.from("JFIF\0", "latin1");
const JFIF_BYTES = 14;
const [SOI, EOI, SOS, APP0, APP1, APP2, COMMENT] = [0xd8, 0xd9, 0xda, 0xe0, 0xe1, 0xe2, 0xfe];
const startsWith = (bytes: Buffer, beginning: Buffer) =>
  bytes.subarray(0, beginning.length).equals(beginning);

/** Where the marker after the data of a scan is, -1: nowhere. Those that belong to the data are passed over. */
function endOfScan(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(0xff, from); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    const next = bytes[at + 1] ?? 0;
    if (next !== 0 && next !== 0xff && !(next >= 0xd0 && next <= 0xd7)) return at;
  }
  return -1;
}

/** A JPEG's segments, each scan with its data, up to the end of the picture. */
function segments(bytes: Buffer): Part<number>[] | null {
  const parts: Part<number>[] = [];
  for (let at = 2; bytes[at] === 0xff; ) {
    const marker = bytes[at + 1];
    if (marker === EOI)
      return [...parts, { type: EOI, data: Buffer.alloc(0), raw: bytes.subarray(at, at + 2) }];
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    if (marker === undefined || marker === SOI || at + 4 > bytes.length) return null;
    const end = at + 2 + bytes.readUInt16BE(at + 2);
    const next = marker === SOS ? endOfScan(bytes, end) : end;
    if (next < at + 4 || next > bytes.length) return null;
    parts.push({ type: marker, data: bytes.subarray(at + 4, end), raw: bytes.subarray(at, next) });
    at = next;
  }
  return null;
}

/** Of what is no part of the picture itself only these stay: JFIF's and Adobe's words on colours, and a colour profile. */
function staysInJpeg({ type, data }: Part<number>): boolean {
  if (type === APP2) return startsWith(data, PROFILE);
  // JFIF's has its thumbnail behind these 14 bytes, an extension of it (JFXX) is one.
  if (type === APP0) return startsWith(data, JFIF) && data.length === JFIF_BYTES;
  return type === 0xee || !((type >= APP1 && type <= 0xef) || type === COMMENT);
}

function jpeg(bytes: Buffer): Buffer | null {
  const parts = segments(bytes);
  if (parts === null) return null;
  const exif = parts.find(({ type, data }) => type === APP1 && startsWith(data, EXIF));
  const orientation = exif ? orientationIn(exif.data.subarray(EXIF.length)) : 1;
  const turned = orientation === 1 ? [] : [Buffer.from([0xff, APP1, 0, 34]), EXIF, tiffOf(orientation)];
  const kept = parts.filter(staysInJpeg).map(({ raw }) => raw);
  return Buffer.concat([bytes.subarray(0, 2), ...turned, ...kept]);
}

const PNG_STAYS = new Set(
  "IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB cICP mDCV cLLI bKGD pHYs acTL fcTL fdAT".split(" "),
);

/** A PNG's chunks up to its end. */
function pngChunks(bytes: Buffer): Part<string>[] | null {
  const parts: Part<string>[] = [];
  for (let at = 8; at + 12 <= bytes.length; ) {
    const end = at + 12 + bytes.readUInt32BE(at);
    if (end > bytes.length) return null;
    const type = bytes.toString("latin1", at + 4, at + 8);
    parts.push({ type, data: bytes.subarray(at + 8, end - 4), raw: bytes.subarray(at, end) });
    if (type === "IEND") return parts;
    at = end;
  }
  return null;
}

function pngExif(orientation: number): Buffer {
  const data = Buffer.concat([Buffer.from("eXIf"), tiffOf(orientation)]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length - 4);
  sum.writeUInt32BE(crc32(data));
  return Buffer.concat([length, data, sum]);
}

function png(bytes: Buffer): Buffer | null {
  const kept = pngChunks(bytes)?.flatMap(({ type, data, raw }) => {
    const orientation = type === "eXIf" ? orientationIn(data) : 1;
    if (orientation !== 1) return [pngExif(orientation)];
    return PNG_STAYS.has(type) ? [raw] : [];
  });
  return kept === undefined ? null : Buffer.concat([bytes.subarray(0, 8), ...kept]);
}

const WEBP_STAYS = new Set(["VP8 ", "VP8L", "VP8X", "ALPH", "ANIM", "ANMF", "ICCP"]);
/** Flags of VP8X that say which chunks come. */
const [HAS_EXIF, HAS_XMP] = [0x08, 0x04];

/** A WebP's chunks. */
function webpChunks(bytes: Buffer): Part<string>[] | null {
  const end = bytes.length < 12 ? Number.POSITIVE_INFINITY : 8 + bytes.readUInt32LE(4);
  if (end > bytes.length) return null;
  const parts: Part<string>[] = [];
  for (let at = 12; at < end; ) {
    if (at + 8 > end) return null;
    const [type, size] = [bytes.toString("latin1", at, at + 4), bytes.readUInt32LE(at + 4)];
    if (at + 8 + size > end) return null;
    const next = Math.min(end, at + 8 + size + (size % 2));
    parts.push({ type, data: bytes.subarray(at + 8, at + 8 + size), raw: bytes.subarray(at, next) });
    at = next;
  }
  return parts;
}

function riffChunk(type: string, data: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.write(type, "latin1");
  head.writeUInt32LE(data.length, 4);
  return Buffer.concat([head, data, Buffer.alloc(data.length % 2)]);
}

function webpOrientation(parts: Part<string>[]): number {
  const { data } = parts.find(({ type }) => type === "EXIF") ?? {};
  if (data === undefined) return 1;
  // Some writers put JPEG's beginning before it, which is none of the format's.
  return orientationIn(startsWith(data, EXIF) ? data.subarray(EXIF.length) : data);
}

function webp(bytes: Buffer): Buffer | null {
  const parts = webpChunks(bytes);
  if (parts === null) return null;
  const orientation = webpOrientation(parts);
  const kept: Buffer[] = parts.filter(({ type }) => WEBP_STAYS.has(type)).map(({ raw }) => Buffer.from(raw));
  const extended = kept.find((raw) => raw.toString("latin1", 0, 4) === "VP8X" && raw.length > 8);
  if (extended) {
    extended[8] = ((extended[8] ?? 0) & ~(HAS_EXIF | HAS_XMP)) | (orientation === 1 ? 0 : HAS_EXIF);
    if (orientation !== 1) kept.push(riffChunk("EXIF", tiffOf(orientation)));
  }
  return riffChunk("RIFF", Buffer.concat([Buffer.from("WEBP"), ...kept]));
}

const STRIPPERS = { "image/jpeg": jpeg, "image/png": png, "image/webp": webp };

/**
 * The picture without what its camera or its editor noted beside it: places, times, names, thumbnails, and whatever
 * comes behind its end. How it is to be turned and its colour profile stay, since it would look otherwise without.
 * @returns null where it is not built as such a file is
 */
export const stripped = (bytes: Uint8Array, type: PictureType): Uint8Array | null =>
  STRIPPERS[type](Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
