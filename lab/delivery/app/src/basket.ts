/** An article in a basket; the price is in cents. */
export type Item = { name: string; cents: number; count: number };

/** Cents that all of it costs. */
export function total(items: readonly Item[]): number {
  return items.reduce((sum, item) => sum + item.cents * item.count, 0);
}

/** 12345 → "123.45". */
export function shown(cents: number): string {
  return (cents / 100).toFixed(2);
}
