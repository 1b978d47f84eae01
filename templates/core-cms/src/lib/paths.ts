import { boundedInt } from "./process";

/** Any origin that isn't ours or anybody's: what a path is resolved against to see whether it is one. */
const NOWHERE = "http://own.invalid";

/**
 * Where to go after signing in: a path of this app, whatever was asked for.
 * @param wanted from a link that anybody may have made
 */
export function ownPath(wanted: string | string[] | undefined, fallback = "/dashboard"): string {
  if (typeof wanted !== "string" || !wanted.startsWith("/")) return fallback;
  const url = URL.parse(wanted, NOWHERE);
  // `/.//elsewhere` is one of ours until browsers have taken its dot away.
  if (url === null || url.origin !== NOWHERE || /^\/[/\\]/.test(url.pathname)) return fallback;
  if (/^\/(api|login|register)(\/|$)/.test(url.pathname)) return fallback;
  return `${url.pathname}${url.search}${url.hash}`;
}

/**
 * Which page to show, and how many rows are before it.
 * @param wanted from 1; a page beyond the last is the last
 */
export function pageOf(wanted: number, total: number, size: number) {
  const pages = Math.max(1, Math.ceil(total / size));
  const page = Math.min(wanted, pages);
  return { page, pages, skip: (page - 1) * size };
}

/** The page that `?page=` asks for, from 1; the first for anything else. */
export const pageNumber = (text: string | string[] | undefined): number =>
  boundedInt(typeof text === "string" ? text : null, 1, 1, 100_000);
