const MOST = 2_147_483_647;

/** The number of an item in an address; null for what can't be one. */
export function numberOf(text: string): number | null {
  const number = /^[1-9]\d{0,9}$/.test(text) ? Number(text) : Number.NaN;
  return number <= MOST ? number : null;
}
