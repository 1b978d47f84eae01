import { body, handle, json } from "@/lib/http";
import { courierKey, customerKey, type OrderContext } from "@/lib/order-request";
import { delivery, movedTo } from "@/lib/orders";
import { newPlace } from "@/types/order";

export const dynamic = "force-dynamic";

/** What the customer sees; 404 for who did not order, signed in or not. */
export const GET = (_: Request, { params }: OrderContext) =>
  handle(async () => {
    const { id } = await params;
    return json(await delivery(id, await customerKey(id)));
  });

/** `{"latitude", "longitude"}` from the courier, who proves himself by `Authorization: Bearer <key>`: 204. */
export const POST = (request: Request, { params }: OrderContext) =>
  handle(async () => {
    const { id } = await params;
    await movedTo(id, courierKey(request), await body(request, newPlace));
    return new Response(null, { status: 204 });
  });
