import { createHmac, timingSafeEqual } from "node:crypto";
import { config } from "./app";

/**
 * A mark that only this app can make, as 43 characters: its secret's HMAC-SHA-256 of `parts`.
 * @param purpose so that what was made for one thing is worth nothing for another
 */
export function sign(purpose: string, ...parts: string[]): string {
  const text = JSON.stringify([purpose, ...parts]);
  return createHmac("sha256", config().secret).update(text).digest("base64url");
}

/** Whether two marks are the same, in a time that doesn't say where they differ. */
export function same(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)];
  return left.length === right.length && timingSafeEqual(left, right);
}
