import { isIP } from "node:net";

/** What the audit trail and the limits say where no address is known. */
export const UNKNOWN_ADDRESS = "unknown";

/**
 * The visitor's address: the last of X-Forwarded-For, which the platform's edge wrote. Whatever stands before it came
 * from the visitor. Next.js fills the header with the connection's other end where there is no edge.
 */
export function visitorAddress(headers: Headers): string {
  const last = (headers.get("x-forwarded-for") ?? "").split(",").at(-1)?.trim() ?? "";
  const address = last.replace(/^::ffff:(?=\d+\.)/i, "").toLowerCase();
  return isIP(address) && !address.includes("%") ? address : UNKNOWN_ADDRESS;
}

/** The eight groups of an IPv6 address that `isIP` accepted and that ends in no IPv4 address. */
function groupsOf(address: string): string[] {
  const [head = "", tail] = address.split("::");
  const [before, after] = [head, tail ?? ""].map((part) => part.split(":").filter(Boolean));
  if (!before || !after || tail === undefined) return before ?? [];
  return [...before, ...Array<string>(8 - before.length - after.length).fill("0"), ...after];
}

/** What counts as one visitor to a limit: an IPv4 address, or the /64 that a household of IPv6 has. */
export function limitedAddress(address: string): string {
  if (isIP(address) !== 6 || address.includes(".")) return address;
  const network = groupsOf(address).slice(0, 4);
  return `${network.map((group) => Number.parseInt(group, 16).toString(16)).join(":")}::/64`;
}
