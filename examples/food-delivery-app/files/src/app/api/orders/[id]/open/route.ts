import { body, handle } from "@/lib/http";
import { type OrderContext, openOrder } from "@/lib/order-request";
import { delivery } from "@/lib/orders";
import { orderKey } from "@/types/order";

export const dynamic = "force-dynamic";

/** `{"key"}` of the customer's link: 204, and this browser may follow the order; 404 otherwise. */
export const POST = (request: Request, { params }: OrderContext) =>
  handle(async () => {
    const [{ id }, { key }] = [await params, await body(request, orderKey)];
    await delivery(id, key);
    await openOrder(id, key);
    return new Response(null, { status: 204 });
  });
