// Figures as people read them. What is missing is a dash; nothing here knows of the page.

export const NOTHING = "–";

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

function known(value) {
  return typeof value === "number" && Number.isFinite(value);
}

/** With so many digits as a reader compares: 1,234 or 12.3 or 0.123. */
function short(value) {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 100) return whole.format(value);
  if (size >= 10) return value.toFixed(1);
  if (size >= 0.1) return value.toFixed(2);
  return size >= 0.001 ? value.toFixed(3) : "<0.001";
}

export const count = (value) => (known(value) ? whole.format(value) : NOTHING);
export const rate = (value) => (known(value) ? `${short(value)}/s` : NOTHING);
export const cores = (value) => (known(value) ? short(value) : NOTHING);

/** A share of one in percent. */
export function percent(value) {
  if (!known(value)) return NOTHING;
  return value > 0 && value < 0.0001 ? "<0.01 %" : `${(value * 100).toFixed(value < 0.1 ? 2 : 1)} %`;
}

/** Seconds, of a response. */
export function duration(value) {
  if (!known(value)) return NOTHING;
  if (value === 0) return "0 ms";
  if (value >= 1) return `${value.toFixed(2)} s`;
  const milliseconds = value * 1000;
  return `${milliseconds >= 100 ? milliseconds.toFixed(0) : milliseconds >= 1 ? milliseconds.toFixed(1) : milliseconds.toFixed(2)} ms`;
}

export function bytes(value) {
  if (!known(value)) return NOTHING;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  let size = value;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${size >= 100 || unit === 0 ? size.toFixed(0) : size.toFixed(1)} ${units[unit]}`;
}

/** Seconds, of an age: `50 s`, `12 min`, `3 h`, `2 d`. */
export function age(seconds) {
  if (!known(seconds)) return NOTHING;
  const steps = [[86_400, "d"], [3_600, "h"], [60, "min"]];
  const step = steps.find(([size]) => seconds >= 2 * size);
  return step ? `${Math.round(seconds / step[0])} ${step[1]}` : `${Math.max(0, Math.round(seconds))} s`;
}

const clocks = new Map();

/** A moment in the reader's own time zone; with its day when `day`, to the second when `second`. */
export function clock(seconds, { day = false, second = false } = {}) {
  if (!known(seconds)) return NOTHING;
  const key = `${day}${second}`;
  if (!clocks.has(key)) {
    const parts = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
    if (second) parts.second = "2-digit";
    if (day) Object.assign(parts, { day: "2-digit", month: "short" });
    clocks.set(key, new Intl.DateTimeFormat("en-GB", parts));
  }
  return clocks.get(key).format(seconds * 1000);
}
