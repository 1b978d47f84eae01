/** So many as Core CMS has after `APP_SEED=demo`. */
const COUNT = 31;
/** As long as the query of a URL that is signed for an hour. */
const SIGNED = "x".repeat(400);

/** A constant list in the shape of Core CMS's, with as many bytes an item. */
export const restaurants = Array.from({ length: COUNT }, (_, at) => ({
  id: at + 1,
  slug: `restaurant-${at + 1}`,
  name: `Restaurant ${at + 1}`,
  category: "Stews",
  summary: "Slow-cooked dishes that change with the season.",
  published_at: "2026-01-01T00:00:00.000Z",
  image_url: `https://storage.lab.test/bench-uploads/images/${"0".repeat(64)}.png?${SIGNED}`,
}));
