// From Prometheus' answers to what is shown: pure functions, which no test needs a browser for.

export const STATES = ["HEALTHY", "DEGRADED", "DOWN", "MAINTENANCE"];
export const UNKNOWN = "UNKNOWN";

/** Worst first. */
const GRAVITY = ["DOWN", "DEGRADED", UNKNOWN, "MAINTENANCE", "HEALTHY"];
const SUMMED = new Set(["rate", "memory", "cpu"]);
const OLD_S = 120;
const UNHEARD_S = 240;
const NAMED = 5;
/** Tells Alertmanager to be silent about a project; no news for a reader, who sees the state. */
const INTERNAL = "ProjectInMaintenance";

/** One row a project, from the instant answers by name (`info`, `state`, `rate`, …). */
export function rowsOf(answers) {
  const rows = new Map();
  const row = (project) => {
    if (!rows.has(project)) rows.set(project, { project, domain: "", release: "", state: UNKNOWN });
    return rows.get(project);
  };
  for (const { labels } of answers.info ?? []) {
    if (labels.project === undefined) continue;
    const found = row(labels.project);
    found.domain ||= labels.domain ?? "";
    found.release ||= labels.release ?? "";
  }
  for (const { labels, value } of answers.state ?? []) {
    if (labels.project !== undefined) row(labels.project).state = worse(row(labels.project).state, STATES[value] ?? UNKNOWN);
  }
  for (const name of ["rate", "errors", "p95", "memory", "cpu"]) {
    for (const { labels, value } of answers[name] ?? []) {
      const found = rows.get(labels.project);
      if (found && !Number.isNaN(value)) found[name] = joined(name, found[name], value);
    }
  }
  return [...rows.values()];
}

function worse(one, other) {
  if (one === UNKNOWN) return other;
  return GRAVITY.indexOf(other) < GRAVITY.indexOf(one) ? other : one;
}

function joined(name, before, value) {
  if (before === undefined) return value;
  return SUMMED.has(name) ? before + value : Math.max(before, value);
}

/** Sorted by a column; what is missing comes last whichever way, and names decide between equals. */
export function ordered(rows, key, descending) {
  const sign = descending ? -1 : 1;
  const byName = (one, other) => compare(one.project, other.project);
  return [...rows].sort((one, other) => {
    const [left, right] = [valueOf(one, key), valueOf(other, key)];
    if (left === right) return byName(one, other);
    if (left === undefined) return 1;
    if (right === undefined) return -1;
    return sign * compare(left, right) || byName(one, other);
  });
}

function valueOf(row, key) {
  return key === "state" ? GRAVITY.indexOf(row.state) : row[key];
}

function compare(one, other) {
  if (typeof one === "string") return one.localeCompare(other, "en");
  return one < other ? -1 : one > other ? 1 : 0;
}

/** Those whose name or domain has the text, in the state (`""`: in any). */
export function matching(rows, { text = "", state = "" }) {
  const wanted = text.trim().toLowerCase();
  return rows.filter(
    (row) => (!state || row.state === state) && (row.project.toLowerCase().includes(wanted) || row.domain.toLowerCase().includes(wanted)),
  );
}

/** How many projects are in which state, worst first, without those that none is in. */
export function counted(rows) {
  return GRAVITY.map((state) => [state, rows.filter((row) => row.state === state).length]).filter(([, many]) => many);
}

/** What a listener is told between two looks, in words: states that changed, projects that came and went. */
export function changes(before, after) {
  const was = new Map(before.map((row) => [row.project, row.state]));
  const is = new Map(after.map((row) => [row.project, row.state]));
  const said = [];
  for (const [project, state] of is) {
    if (!was.has(project)) said.push(`${project} is new: ${state}`);
    else if (was.get(project) !== state) said.push(`${project} is ${state}, was ${was.get(project)}`);
  }
  for (const project of was.keys()) if (!is.has(project)) said.push(`${project} is gone`);
  const more = said.length - NAMED;
  return more > 0 ? [...said.slice(0, NAMED), `and ${more} more`] : said;
}

/** What is to say of old figures, by the answers `evaluated` and `told`; empty when they are fresh. `now` in seconds. */
export function staleness({ now, evaluated, told = [] }, words) {
  const said = [];
  const [last] = evaluated ?? [];
  if (!last) said.push("Prometheus answers, but has had no figures of projects for five minutes.");
  else if (now - last.value > OLD_S) said.push(`Prometheus last worked figures out ${words.age(now - last.value)} ago.`);
  for (const { labels, value } of told) {
    if (value > UNHEARD_S) said.push(`What ${labels.server ?? "a server"} says of its projects is ${words.age(value)} old.`);
  }
  return said;
}

/** Alerts that fire, the gravest first, then the oldest. */
export function firing(alerts) {
  const found = alerts
    .filter((alert) => alert.state === "firing" && alert.labels?.alertname !== INTERNAL)
    .map(({ labels = {}, annotations = {}, activeAt }) => ({
      name: labels.alertname ?? "",
      severity: labels.severity ?? "",
      project: labels.project ?? "",
      since: Date.parse(activeAt) / 1000,
      summary: annotations.summary ?? "",
      runbook: annotations.runbook ?? "",
    }));
  const gravity = (alert) => (alert.severity === "critical" ? 0 : 1);
  return found.sort((one, other) => gravity(one) - gravity(other) || one.since - other.since || compare(one.name, other.name));
}

/** Several matrices on one time axis, as uPlot takes them: times, then a list a name with null where there is nothing. */
export function aligned(matrices, { start, end, step }) {
  const many = Math.floor((end - start) / step + 1e-6) + 1;
  const times = Array.from({ length: many }, (_, index) => start + index * step);
  return [times, ...matrices.map((matrix) => column(matrix, start, step, many))];
}

function column(matrix, start, step, many) {
  const values = new Array(many).fill(null);
  for (const [at, text] of matrix?.[0]?.values ?? []) {
    const index = Math.round((at - start) / step);
    const value = Number(text);
    if (index >= 0 && index < many && Number.isFinite(value)) values[index] = value;
  }
  return values;
}

/** At most so many rows of an aligned table, evenly spaced, the newest always among them. */
export function thinned([times, ...columns], most) {
  const every = Math.ceil(times.length / most);
  const chosen = times.map((_, index) => index).filter((index) => (times.length - 1 - index) % every === 0);
  return chosen.map((index) => [times[index], ...columns.map((values) => values[index])]);
}
