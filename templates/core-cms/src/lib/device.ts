import { randomBytes } from "node:crypto";
import { cookieName } from "./cookies";
import { same, sign } from "./sign";

/** For how long a browser stays known, in seconds. */
export const DEVICE_SECONDS = 365 * 86_400;
/** So many accounts a browser is known to. */
const MOST_ACCOUNTS = 4;

export const deviceCookie = (): string => cookieName("device");

function parse(cookie: string | undefined): { id: string; marks: string[] } | null {
  const [id = "", ...marks] = (cookie ?? "").split(".");
  return /^[\w-]{24}$/.test(id) ? { id, marks: marks.slice(0, MOST_ACCOUNTS) } : null;
}

const markOf = (id: string, email: string) => sign("device", id, email);

/** The id of a browser by which somebody signed in to this account before; null for any other. */
export function knownDevice(cookie: string | undefined, email: string): string | null {
  const device = parse(cookie);
  if (!device) return null;
  const mark = markOf(device.id, email);
  return device.marks.some((each) => same(each, mark)) ? device.id : null;
}

/** What the cookie of a browser is from now on by which somebody has signed in to this account. */
export function rememberedDevice(cookie: string | undefined, email: string): string {
  const { id, marks } = parse(cookie) ?? { id: randomBytes(18).toString("base64url"), marks: [] };
  const mark = markOf(id, email);
  return [id, mark, ...marks.filter((each) => each !== mark)].slice(0, 1 + MOST_ACCOUNTS).join(".");
}
