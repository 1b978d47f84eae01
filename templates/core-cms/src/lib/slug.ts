/** Room for a number behind it in the 80 characters of the column. */
const MOST = 70;

/**
 * The last part of an item's address: the letters and digits of its name, of every script (마도 국수 → 마도-국수).
 * A name without any gives `item`.
 */
export function slugOf(name: string): string {
  const parts =
    name
      .normalize("NFKC")
      .toLowerCase()
      .normalize("NFC")
      .match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  const slug = parts.join("-").slice(0, MOST);
  return slug.replace(/[\uD800-\uDBFF]$/, "").replace(/-+$/, "") || "item";
}

/** `wanted`, or the first `wanted-2`, `wanted-3`, … that isn't taken. */
export function freeSlug(wanted: string, taken: ReadonlySet<string>): string {
  for (let number = 1; ; number++) {
    const slug = number === 1 ? wanted : `${wanted}-${number}`;
    if (!taken.has(slug)) return slug;
  }
}
