// What the reader has chosen: in the page's address, so that it can be kept and sent on.

export const RANGES = {
  "15m": { label: "15 minutes", seconds: 900, step: 15 },
  "1h": { label: "1 hour", seconds: 3_600, step: 30 },
  "6h": { label: "6 hours", seconds: 21_600, step: 120 },
  "24h": { label: "24 hours", seconds: 86_400, step: 600 },
  "7d": { label: "7 days", seconds: 604_800, step: 3_600 },
};

export const REFRESHES = { 0: "off", 10: "every 10 s", 30: "every 30 s", 60: "every minute", 300: "every 5 minutes" };

export const COLUMNS = ["project", "state", "rate", "errors", "p95", "memory", "cpu", "release"];

const DEFAULTS = { range: "1h", refresh: "10", scope: "", sort: "state", descending: false, text: "", state: "" };

/** The settings in an address' query; what isn't one of the choices is the default. */
export function read(search, states) {
  const given = new URLSearchParams(search);
  const one = (name, choices) => (choices.includes(given.get(name)) ? given.get(name) : DEFAULTS[name]);
  const sort = given.get("sort") ?? "";
  return {
    range: one("range", Object.keys(RANGES)),
    refresh: one("refresh", Object.keys(REFRESHES)),
    scope: given.get("scope") ?? "",
    sort: COLUMNS.includes(sort.replace(/^-/, "")) ? sort.replace(/^-/, "") : DEFAULTS.sort,
    descending: sort.startsWith("-"),
    text: given.get("text") ?? "",
    state: one("state", states),
  };
}

/** The query of an address that has them: only what isn't the default. */
export function written(settings) {
  const { sort, descending, ...plain } = settings;
  const found = new URLSearchParams();
  for (const [name, value] of Object.entries(plain)) if (value !== DEFAULTS[name]) found.set(name, value);
  if (sort !== DEFAULTS.sort || descending) found.set("sort", (descending ? "-" : "") + sort);
  return found.size ? `?${found}` : "";
}
