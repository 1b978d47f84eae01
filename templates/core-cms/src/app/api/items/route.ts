import { actorOf } from "@/lib/actor";
import { config } from "@/lib/app";
import { requireUser } from "@/lib/auth";
import { body, handle, json } from "@/lib/http";
import { searchItems, searchOf } from "@/lib/item-search";
import { createItem } from "@/lib/items";
import { newItem } from "@/types/item";

export const dynamic = "force-dynamic";

/** `?q=&status=&page=`: one page of all items, what was changed last first. Editors and admins. */
export const GET = (request: Request) =>
  handle(async () => {
    await requireUser();
    const search = searchOf(Object.fromEntries(new URL(request.url).searchParams));
    return json(await searchItems(config().dataset, search, "changed"));
  });

/** Makes an item: 201, or 200 with the item that the same form made before. */
export const POST = (request: Request) =>
  handle(async () => {
    const actor = await actorOf(request);
    const { dataset } = config();
    const { item, made } = await createItem(actor, dataset, await body(request, newItem(dataset)));
    return json({ item }, made ? 201 : 200);
  });
