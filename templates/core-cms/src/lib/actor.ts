import { visitorAddress } from "./address";
import { requireUser } from "./auth";
import { Refused } from "./http";
import type { Actor } from "./items";
import { numberOf } from "./numbers";

/**
 * Who sends a request that changes something.
 * @throws Refused signed-out
 * @throws Unavailable
 */
export const actorOf = async (request: Request): Promise<Actor> => ({
  user: await requireUser(),
  address: visitorAddress(request.headers),
});

/** The number in an item's address. Throws Refused not-found for what is none. */
export function itemId(text: string): number {
  const id = numberOf(text);
  if (id === null) throw new Refused("not-found", "there is no such item");
  return id;
}
