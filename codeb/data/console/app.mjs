// The page: asks, shows, waits, asks again. What figures mean is in model.mjs, how they are asked for in prometheus.mjs.

import { Chart } from "./chart.mjs";
import { choices, element, paragraphs, say, webAddress } from "./dom.mjs";
import * as words from "./format.mjs";
import { STATES, UNKNOWN, aligned, changes, counted, firing, matching, rowsOf, staleness } from "./model.mjs";
import { Trouble, client, filled } from "./prometheus.mjs";
import { RANGES, REFRESHES, read, written } from "./settings.mjs";
import { ProjectTable } from "./table.mjs";

const CHOSEN = ["range", "refresh", "scope", "text", "state"];
const ALERTS_SHOWN = 100;

const at = (id) => document.getElementById(id);
const settings = read(location.search, ["", ...STATES, UNKNOWN]);
const ask = client((...request) => fetch(...request));
const table = new ProjectTable(at("table"), (sort, descending) => change({ sort, descending }, showRows));
const latency = new Chart(at("latency"), "Latency", ["p50", "p95", "p99"], words.duration);
const requests = new Chart(at("requests"), "Requests", ["all", "failed"], words.rate);

let queries;
let rows = [];
let shownOnce = false;
let asked;
let timer;
let alertsShown = "";

/** Names to what became of their questions; one that failed is undefined, and its trouble is kept. */
async function all(wanted, troubles, put) {
  const ended = await Promise.allSettled(Object.values(wanted).map(put));
  return Object.fromEntries(
    Object.keys(wanted).map((name, index) => {
      const { status, value, reason } = ended[index];
      if (status === "fulfilled") return [name, value];
      troubles.push([name, reason]);
      return [name, undefined];
    }),
  );
}

async function refresh() {
  asked?.abort();
  clearTimeout(timer);
  const mine = (asked = new AbortController());
  try {
    await look(mine.signal);
  } catch (error) {
    if (mine.signal.aborted) return;
    trouble([["this page", error]]);
  }
  if (!mine.signal.aborted) wait();
}

async function look(signal) {
  queries ??= await fetch("queries.json", { signal }).then((reply) => {
    if (!reply.ok) throw new Trouble("unreachable", `a part of this page can't be had (${reply.status})`);
    return reply.json();
  });
  const troubles = [];
  const of = queries[settings.scope ? "one" : "all"];
  const values = { range: settings.range, project: settings.scope };
  const instant = (query) => ask.instant(filled(query, values), signal);
  const [states, ages, figures, alerts] = await Promise.all([
    all(queries.every_project, troubles, instant),
    all(queries.age, troubles, instant),
    all(of.figures, troubles, instant),
    all({ alerts: 0 }, troubles, () => ask.alerts(signal)),
  ]);
  const now = ages.now?.[0]?.at;
  const axis = now && axisTo(now);
  const charts = axis ? await all(of.charts, troubles, (query) => ask.range(filled(query, values), axis, signal)) : {};
  signal.throwIfAborted();
  trouble(troubles);
  if (!axis) return;
  showStates(states, ages, now);
  at("grafana").hidden = !(at("grafana").href && ages.grafana?.[0]?.value);
  showFigures(figures);
  showAlerts(alerts.alerts);
  showCharts(charts, axis);
}

/** Whole steps, so that a line's points stay where they are from look to look. */
function axisTo(now) {
  const { seconds, step } = RANGES[settings.range];
  const end = Math.floor(now / step) * step;
  return { start: end - seconds, end, step };
}

function trouble(troubles) {
  const unreachable = troubles.find(([, error]) => error.kind === "unreachable" || error.kind === "refused");
  const said = [];
  if (unreachable) {
    const what = unreachable[1].kind === "refused" ? "Prometheus can't be asked" : "Prometheus can't be reached";
    said.push(`${what}: ${unreachable[1].message}.`);
    said.push(shownOnce ? `What is shown is as of ${at("asof").textContent}. Sites and releases don't depend on it.` : "Sites and releases don't depend on it.");
  } else {
    for (const [name, error] of troubles) said.push(`No answer for “${name}”: ${error.message}.`);
  }
  paragraphs(at("trouble"), said);
  document.body.classList.toggle("old", said.length > 0);
}

function showStates(states, ages, now) {
  say(at("asof"), words.clock(now, { second: true }));
  at("asof").dateTime = new Date(now * 1000).toISOString();
  paragraphs(at("stale"), ages.evaluated ? staleness({ ...ages, now }, words) : []);
  if (!states.info || !states.state) return;
  const found = rowsOf(states);
  if (shownOnce) {
    const said = changes(rows, found);
    if (said.length) say(at("said"), `${words.clock(now, { second: true })}: ${said.join("; ")}.`);
  }
  [rows, shownOnce] = [found, true];
  const names = rows.map((row) => row.project).sort((one, other) => one.localeCompare(other, "en"));
  if (settings.scope && !names.includes(settings.scope)) names.unshift(settings.scope);
  choices(at("scope"), [["", "all projects"], ...names.map((name) => [name, name])]);
  at("scope").value = settings.scope;
  say(at("counts"), counted(rows).map(([state, many]) => `${many}\u00a0${state}`).join(", ") || "none");
  showRows();
}

function showRows() {
  const found = matching(rows, settings);
  table.show(found, settings);
  say(at("shown"), `${found.length} of ${rows.length} shown`);
}

function showFigures(figures) {
  const value = (name) => figures[name]?.[0]?.value;
  say(at("figures-of"), `${settings.scope || "all projects"}, last ${RANGES[settings.range].label}`);
  say(at("total"), words.count(value("total")));
  say(at("mean"), words.duration(value("mean")));
  say(at("errors"), words.percent(value("errors")));
}

function showCharts(charts, axis) {
  const day = RANGES[settings.range].seconds > 86_400;
  latency.show(aligned([charts.p50, charts.p95, charts.p99], axis), day);
  requests.show(aligned([charts.rate, charts.failed], axis), day);
}

function showAlerts(alerts) {
  if (!alerts) return;
  const found = firing(alerts);
  const more = found.length - ALERTS_SHOWN;
  say(at("no-alerts"), found.length === 0 ? "None fires." : more > 0 ? `${found.length} fire, ${ALERTS_SHOWN} are shown.` : `${found.length} ${found.length === 1 ? "fires" : "fire"}.`);
  at("alerts-scroll").hidden = found.length === 0;
  if (alertsShown === (alertsShown = JSON.stringify(found))) return;
  at("alerts").tBodies[0].replaceChildren(...found.slice(0, ALERTS_SHOWN).map(alertLine));
}

function alertLine(alert) {
  const href = webAddress(alert.runbook);
  const name = href ? element("a", { href, rel: "noopener noreferrer" }, alert.name) : alert.name;
  const cells = [alert.severity, alert.project || words.NOTHING, words.clock(alert.since, { day: true }), alert.summary];
  return element("tr", {}, element("th", { scope: "row" }, name), ...cells.map((text) => element("td", {}, text)));
}

function wait() {
  clearTimeout(timer);
  if (Number(settings.refresh) && !document.hidden) timer = setTimeout(refresh, Number(settings.refresh) * 1000);
}

/** Takes a choice over, into the address too, and does what follows of it. */
function change(chosen, then) {
  Object.assign(settings, chosen);
  history.replaceState(null, "", location.pathname + written(settings));
  then();
}

function start() {
  choices(at("range"), Object.entries(RANGES).map(([value, { label }]) => [value, label]));
  choices(at("refresh"), Object.entries(REFRESHES).map(([value, label]) => [value, label]));
  choices(at("state"), [["", "any"], ...STATES.map((state) => [state, state]), [UNKNOWN, UNKNOWN]]);
  if (settings.scope) choices(at("scope"), [["", "all projects"], [settings.scope, settings.scope]]);
  for (const id of CHOSEN) at(id).value = settings[id];
  for (const id of ["range", "scope"]) at(id).addEventListener("change", () => change({ [id]: at(id).value }, refresh));
  at("refresh").addEventListener("change", () => change({ refresh: at("refresh").value }, wait));
  at("text").addEventListener("input", () => change({ text: at("text").value }, showRows));
  at("state").addEventListener("change", () => change({ state: at("state").value }, showRows));
  at("controls").addEventListener("submit", (event) => {
    event.preventDefault();
    refresh();
  });
  at("filters").addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : refresh()));
  const domain = /^console\.(.+)$/.exec(location.hostname)?.[1];
  if (domain) {
    say(at("place"), domain);
    at("grafana").href = `https://grafana.${domain}/`;
  }
  refresh();
}

start();
