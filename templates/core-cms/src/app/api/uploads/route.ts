import { requireUser } from "@/lib/auth";
import { body, handle, json } from "@/lib/http";
import { newUpload } from "@/lib/images";
import { limit, take } from "@/lib/limits";
import { uploadRequest } from "@/types/upload";

export const dynamic = "force-dynamic";

/** A form by which the browser sends a picture straight to the bucket. */
export const POST = (request: Request) =>
  handle(async () => {
    const user = await requireUser();
    const { type, size } = await body(request, uploadRequest);
    await take([limit("upload", [user.id], 60, 600)]);
    return json(await newUpload(user.id, type, size), 201);
  });
