import { handle, sameOrigin } from "@/lib/http";
import { courierKey, type OrderContext } from "@/lib/order-request";
import { delivered } from "@/lib/orders";

export const dynamic = "force-dynamic";

/** The courier's last word: 204. */
export const POST = (request: Request, { params }: OrderContext) =>
  handle(async () => {
    sameOrigin(request);
    await delivered((await params).id, courierKey(request));
    return new Response(null, { status: 204 });
  });
