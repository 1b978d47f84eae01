import { actorOf } from "@/lib/actor";
import { handle, json, sameOrigin } from "@/lib/http";
import { confirmUpload } from "@/lib/images";

export const dynamic = "force-dynamic";

/** Looks at what the browser sent to the bucket, and keeps it if it is the picture that it says it is. */
export const POST = (request: Request, { params }: { params: Promise<{ id: string }> }) =>
  handle(async () => {
    sameOrigin(request);
    const actor = await actorOf(request);
    return json(await confirmUpload(actor, (await params).id), 201);
  });
