import { cookies } from "next/headers";
import { cookieName, cookieOptions } from "./cookies";
import { Refused } from "./http";

/** How long a customer's browser may follow an order, in seconds. */
const OPEN_SECONDS = 86_400;

export type OrderContext = { params: Promise<{ id: string }> };

const nameOf = (id: string) => cookieName(`order-${id.slice(0, 36)}`);

/** The key that the customer's browser was given for this order; "" for every other browser. */
export const customerKey = async (id: string): Promise<string> =>
  (await cookies()).get(nameOf(id))?.value ?? "";

/** Lets this browser follow the order. */
export async function openOrder(id: string, key: string): Promise<void> {
  (await cookies()).set(nameOf(id), key, { ...cookieOptions(), maxAge: OPEN_SECONDS });
}

/** The key that the courier's page sends. Throws Refused not-found without one. */
export function courierKey(request: Request): string {
  const found = /^Bearer ([\w-]{32})$/.exec(request.headers.get("authorization") ?? "")?.[1];
  if (!found) throw new Refused("not-found", "there is no such order");
  return found;
}
