"use client";

import { useState } from "react";
import { type Problem, send } from "@/lib/client";
import { MOST_PICTURE_BYTES, PICTURE_TYPES, type Picture, type UploadTicket } from "@/types/upload";

const refused = (code: string): Problem => ({ code, fields: {} });

/** Sends the file straight to the bucket. Resolves to whether it took it. */
function toBucket({ url, fields }: UploadTicket, file: File, progress: (share: number) => void) {
  return new Promise<boolean>((resolve) => {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append("file", file);
    const request = new XMLHttpRequest();
    request.upload.addEventListener("progress", ({ loaded, total }) => progress(loaded / total));
    request.addEventListener("load", () => resolve(request.status < 300));
    request.addEventListener("error", () => resolve(false));
    request.open("POST", url);
    request.send(form);
  });
}

async function upload(file: File, progress: (share: number) => void): Promise<Picture | Problem> {
  const type = PICTURE_TYPES.find((each) => each === file.type);
  if (!type) return refused("picture-type");
  if (file.size === 0) return refused("empty-file");
  if (file.size > MOST_PICTURE_BYTES) return refused("file-too-large");
  const ticket = await send<UploadTicket>("POST", "/api/uploads", { type, size: file.size });
  if (ticket.problem) return ticket.problem;
  if (!(await toBucket(ticket.data, file, progress))) return refused("bucket");
  const seen = await send<Picture>("POST", `/api/uploads/${ticket.data.id}`);
  return seen.data ?? refused(seen.problem.fields.file ?? seen.problem.code);
}

/** The upload of a picture: how far it is (0 to 1; null: none runs), and what was wrong as a key of `errors.*`. */
export function usePicture(done: (picture: Picture) => void) {
  const [share, setShare] = useState<number | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const start = async (file: File) => {
    setWrong(null);
    setShare(0);
    const found = await upload(file, setShare);
    setShare(null);
    if ("code" in found) setWrong(found.code);
    else done(found);
  };
  return { share, wrong, start };
}
