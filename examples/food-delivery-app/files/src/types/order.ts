import { z } from "zod";

/** `POST /api/orders`. Messages are keys of `errors.*` in src/messages. */
export const newOrder = z.strictObject(
  {
    restaurant: z
      .string("text")
      .trim()
      .min(1, "required")
      .max(120, "too-long")
      .regex(/^[^\p{Cc}]*$/u, "characters"),
  },
  "unknown",
);

/** `POST /api/orders/[id]/place`: degrees, as browsers and phones give them. */
export const newPlace = z.strictObject(
  {
    latitude: z.number("number").min(-90, "number").max(90, "number"),
    longitude: z.number("number").min(-180, "number").max(180, "number"),
  },
  "unknown",
);

/** `POST /api/orders/[id]/open`: the key in the customer's link. */
export const orderKey = z.strictObject({ key: z.string("text").regex(/^[\w-]{32}$/, "key") }, "unknown");

export type Place = z.infer<typeof newPlace>;

/** What the customer sees. Times are ISO 8601; `place` is null until the courier is on the way, and an hour after the delivery. */
export interface Delivery {
  restaurant: string;
  status: "on_the_way" | "delivered";
  place: (Place & { seenAt: string }) | null;
}

/** An order as the dashboard lists it. */
export interface OrderLine {
  id: string;
  restaurant: string;
  status: Delivery["status"];
  createdAt: string;
  seenAt: string | null;
}

/** The links are told once: only their hashes are kept. */
export interface PlacedOrder {
  id: string;
  customerUrl: string;
  courierUrl: string;
}
