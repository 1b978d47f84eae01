import { actorOf, itemId } from "@/lib/actor";
import { config } from "@/lib/app";
import { requireUser } from "@/lib/auth";
import { body, handle, json, Refused } from "@/lib/http";
import { changeItem, itemById, removeItem, setStatus } from "@/lib/items";
import { itemChange, itemRemoval, statusChange } from "@/types/item";

export const dynamic = "force-dynamic";

type Context = { params: Promise<{ id: string }> };

const idOf = async ({ params }: Context) => itemId((await params).id);

export const GET = (_: Request, context: Context) =>
  handle(async () => {
    await requireUser();
    const item = await itemById(config().dataset, await idOf(context));
    if (item === null) throw new Refused("not-found", "there is no such item");
    return json({ item });
  });

/** Writes all fields. 409 with the item as it is now where `version` is older. */
export const PUT = (request: Request, context: Context) =>
  handle(async () => {
    const actor = await actorOf(request);
    const { dataset } = config();
    const id = await idOf(context);
    return json({ item: await changeItem(actor, dataset, id, await body(request, itemChange(dataset))) });
  });

/** `{"version", "status"}`: publishes, archives or takes back to the drafts. */
export const PATCH = (request: Request, context: Context) =>
  handle(async () => {
    const actor = await actorOf(request);
    const id = await idOf(context);
    return json({ item: await setStatus(actor, config().dataset, id, await body(request, statusChange)) });
  });

/** `{"version"}`: 204. */
export const DELETE = (request: Request, context: Context) =>
  handle(async () => {
    const actor = await actorOf(request);
    const id = await idOf(context);
    const { version } = await body(request, itemRemoval);
    await removeItem(actor, config().dataset, id, version);
    return new Response(null, { status: 204, headers: { "Cache-Control": "no-store" } });
  });
