import { actorOf } from "@/lib/actor";
import { requireUser } from "@/lib/auth";
import { body, handle, json } from "@/lib/http";
import { placeOrder, recentOrders } from "@/lib/orders";
import { newOrder } from "@/types/order";

export const dynamic = "force-dynamic";

export const GET = () =>
  handle(async () => {
    await requireUser();
    return json({ orders: await recentOrders() });
  });

/** 201 with the links for customer and courier, which are told once. */
export const POST = (request: Request) =>
  handle(async () => {
    const actor = await actorOf(request);
    const { restaurant } = await body(request, newOrder);
    return json({ order: await placeOrder(actor, restaurant) }, 201);
  });
