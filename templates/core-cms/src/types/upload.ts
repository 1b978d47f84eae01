import { z } from "@/lib/zod";

/** The most bytes of a picture: the bucket itself refuses more. */
export const MOST_PICTURE_BYTES = 1_048_576;
/** The most pixels of a picture's width and of its height. */
export const MOST_PIXELS = 4_096;

/** Kinds of pictures by their media type, and how the names of their objects end. */
export const PICTURES = { "image/png": "png", "image/jpeg": "jpg", "image/webp": "webp" } as const;
export type PictureType = keyof typeof PICTURES;
export const PICTURE_TYPES = ["image/png", "image/jpeg", "image/webp"] as const;

/** `POST /api/uploads`: what a browser is about to send to the bucket. Messages are keys of `errors.*`. */
export const uploadRequest = z.strictObject(
  {
    type: z.enum(PICTURE_TYPES, "picture-type"),
    size: z.int("number").min(1, "empty-file").max(MOST_PICTURE_BYTES, "file-too-large"),
  },
  "unknown",
);

/** Answer of `POST /api/uploads`: a form with `fields` and then `file` goes to `url`, then `POST /api/uploads/<id>`. */
export interface UploadTicket {
  id: string;
  key: string;
  url: string;
  fields: Record<string, string>;
}

/** Answer of `POST /api/uploads/<id>`; `url` is signed for an hour. */
export interface Picture {
  key: string;
  url: string;
  width: number;
  height: number;
}
