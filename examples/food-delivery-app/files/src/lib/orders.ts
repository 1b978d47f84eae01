import { createHash, randomBytes } from "node:crypto";
import type { Delivery, OrderLine, Place, PlacedOrder } from "@/types/order";
import { config } from "./app";
import { audit } from "./audit";
import { prisma } from "./db";
import { Refused } from "./http";
import type { Actor } from "./items";
import { limit, take } from "./limits";
import { placeChanged } from "./places";

/** The most places of one order that are taken in ten seconds. */
const MOST_PLACES = 20;
const LISTED = 50;
const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const hash = (key: string): string => createHash("sha256").update(key).digest("hex");

/** Who did not order learns no more than who asks for an order that isn't there. */
const missing = () => new Refused("not-found", "there is no such order");

/** Begins a delivery. The keys are in the fragments of the links, which no server's log ever sees. */
export async function placeOrder({ user, address }: Actor, restaurant: string): Promise<PlacedOrder> {
  const [customer, courier] = [randomBytes(24).toString("base64url"), randomBytes(24).toString("base64url")];
  const data = { restaurant, customerKey: hash(customer), courierKey: hash(courier) };
  const { id } = await prisma().$transaction(async (tx) => {
    const order = await tx.order.create({ data });
    await audit({ actorId: user.id, action: "order", target: `order:${order.id}`, address }, tx);
    return order;
  });
  const { origin } = config();
  return {
    id,
    customerUrl: `${origin}/orders/${id}#${customer}`,
    courierUrl: `${origin}/courier/${id}#${courier}`,
  };
}

/** The newest orders. */
export async function recentOrders(): Promise<OrderLine[]> {
  const rows = await prisma().order.findMany({
    orderBy: { createdAt: "desc" },
    take: LISTED,
    select: {
      id: true,
      restaurant: true,
      status: true,
      createdAt: true,
      place: { select: { seenAt: true } },
    },
  });
  return rows.map(({ place, createdAt, ...row }) => ({
    ...row,
    createdAt: createdAt.toISOString(),
    seenAt: place?.seenAt.toISOString() ?? null,
  }));
}

/**
 * What the customer of an order sees.
 * @param key of the customer's link
 * @throws Refused not-found for everybody else
 */
export async function delivery(id: string, key: string): Promise<Delivery> {
  if (!ID.test(id)) throw missing();
  const row = await prisma().order.findFirst({
    where: { id, customerKey: hash(key) },
    include: { place: true },
  });
  if (row === null) throw missing();
  const { restaurant, status, place } = row;
  const seen = place && {
    latitude: place.latitude,
    longitude: place.longitude,
    seenAt: place.seenAt.toISOString(),
  };
  return { restaurant, status, place: seen };
}

/**
 * Notes where the courier is.
 * @param key of the courier's link
 * @throws Refused not-found for everybody else and after the delivery, too-often
 * @throws Unavailable
 */
export async function movedTo(id: string, key: string, { latitude, longitude }: Place): Promise<void> {
  if (!ID.test(id)) throw missing();
  const found = await prisma().order.count({ where: { id, courierKey: hash(key), status: "on_the_way" } });
  if (found === 0) throw missing();
  await take([limit("place", [id], MOST_PLACES, 10)]);
  const place = { latitude, longitude, seenAt: new Date() };
  await prisma().courierPlace.upsert({
    where: { orderId: id },
    create: { orderId: id, ...place },
    update: place,
  });
  await placeChanged(id);
}

/**
 * Ends a delivery; again is as good as once.
 * @param key of the courier's link
 * @throws Refused not-found for everybody else
 */
export async function delivered(id: string, key: string): Promise<void> {
  if (!ID.test(id)) throw missing();
  const mine = { id, courierKey: hash(key) };
  const data = { status: "delivered" as const, deliveredAt: new Date() };
  const { count } = await prisma().order.updateMany({ where: { ...mine, status: "on_the_way" }, data });
  if (count === 0 && (await prisma().order.count({ where: mine })) === 0) throw missing();
  await placeChanged(id);
}
