import assert from "node:assert/strict";
import { test } from "node:test";

import { age } from "../../../codeb/data/console/format.mjs";
import { aligned, changes, counted, firing, matching, ordered, rowsOf, staleness, thinned } from "../../../codeb/data/console/model.mjs";

const sample = (labels, value) => ({ labels, value, at: 1000 });
const names = (rows) => rows.map((row) => row.project);

test("a project has one row, whatever order and however many series its answers have", () => {
  const [row, ...more] = rowsOf({
    info: [sample({ project: "shop", domain: "shop.test", release: "r2" }, 1), sample({ project: "shop", domain: "shop.test", release: "r2" }, 1)],
    state: [sample({ project: "shop" }, 0)],
    rate: [sample({ project: "shop", server: "a" }, 2), sample({ project: "shop", server: "b" }, 3)],
    p95: [sample({ project: "shop", server: "a" }, 0.2), sample({ project: "shop", server: "b" }, 0.1)],
    memory: [sample({ project: "shop" }, 10)],
  });
  assert.deepEqual(more, []);
  assert.deepEqual(row, { project: "shop", domain: "shop.test", release: "r2", state: "HEALTHY", rate: 5, p95: 0.2, memory: 10 });
});

test("states are the four of the rules, and anything else is unknown", () => {
  const state = [0, 1, 2, 3, 4, -1, 0.5, NaN].map((value, index) => sample({ project: `p${index}` }, value));
  assert.deepEqual(rowsOf({ state }).map((row) => row.state), ["HEALTHY", "DEGRADED", "DOWN", "MAINTENANCE", "UNKNOWN", "UNKNOWN", "UNKNOWN", "UNKNOWN"]);
  assert.equal(rowsOf({ info: [sample({ project: "new" }, 1)] })[0].state, "UNKNOWN");
});

test("of two states the worse one counts", () => {
  const state = [sample({ project: "p" }, 0), sample({ project: "p" }, 2), sample({ project: "p" }, 1)];
  assert.equal(rowsOf({ state })[0].state, "DOWN");
});

test("series without a project, or of one that nothing else knows, make no row", () => {
  assert.deepEqual(rowsOf({ info: [sample({}, 1)], state: [sample({}, 0)], rate: [sample({ project: "gone" }, 1), sample({}, 1)] }), []);
});

test("projects named as objects' own properties are projects like others", () => {
  const state = ["__proto__", "constructor", "toString"].map((project) => sample({ project }, 0));
  assert.deepEqual(names(rowsOf({ state })), ["__proto__", "constructor", "toString"]);
});

test("no requests is no error rate, not a wrong one", () => {
  const [row] = rowsOf({ state: [sample({ project: "p" }, 0)], errors: [sample({ project: "p" }, NaN)] });
  assert.equal(row.errors, undefined);
});

test("what is missing is last whichever way a column is sorted, and names decide between equals", () => {
  const rows = [{ project: "b", rate: 1 }, { project: "a" }, { project: "d", rate: 5 }, { project: "c", rate: 1 }];
  assert.deepEqual(names(ordered(rows, "rate", false)), ["b", "c", "d", "a"]);
  assert.deepEqual(names(ordered(rows, "rate", true)), ["d", "b", "c", "a"]);
});

test("by state the worst is first", () => {
  const rows = ["HEALTHY", "MAINTENANCE", "UNKNOWN", "DOWN", "DEGRADED"].map((state) => ({ project: state, state }));
  assert.deepEqual(names(ordered(rows, "state", false)), ["DOWN", "DEGRADED", "UNKNOWN", "MAINTENANCE", "HEALTHY"]);
  assert.deepEqual(counted(rows.slice(0, 2)), [["MAINTENANCE", 1], ["HEALTHY", 1]]);
});

test("sorting changes nothing of what it is given", () => {
  const rows = Object.freeze([{ project: "b" }, { project: "a" }]);
  assert.deepEqual(names(ordered(rows, "project", false)), ["a", "b"]);
});

test("a filter looks into name and domain, as text", () => {
  const rows = [{ project: "Shop", domain: "x.test", state: "DOWN" }, { project: "b.*", domain: "SHOP.test", state: "HEALTHY" }];
  assert.deepEqual(names(matching(rows, { text: " shop " })), ["Shop", "b.*"]);
  assert.deepEqual(names(matching(rows, { text: ".*" })), ["b.*"]);
  assert.deepEqual(names(matching(rows, { text: "shop", state: "DOWN" })), ["Shop"]);
});

test("what is said between two looks is what changed, and no more than a few", () => {
  const was = [{ project: "a", state: "HEALTHY" }, { project: "b", state: "HEALTHY" }, { project: "c", state: "DOWN" }];
  const is = [{ project: "a", state: "HEALTHY" }, { project: "b", state: "DOWN" }, { project: "d", state: "HEALTHY" }];
  assert.deepEqual(changes(was, was), []);
  assert.deepEqual(changes(was, is), ["b is DOWN, was HEALTHY", "d is new: HEALTHY", "c is gone"]);
  const many = Array.from({ length: 1000 }, (_, index) => ({ project: `p${index}`, state: "DOWN" }));
  assert.deepEqual(changes([], many).slice(-1), ["and 995 more"]);
});

test("old figures are told from fresh ones, and from none", () => {
  const at = (value, labels = {}) => [sample(labels, value)];
  assert.deepEqual(staleness({ now: 1000, evaluated: at(950), told: at(60, { server: "a" }) }, { age }), []);
  assert.match(staleness({ now: 1000, evaluated: [] }, { age })[0], /no figures of projects/);
  assert.match(staleness({ now: 2000, evaluated: at(1000) }, { age })[0], /worked figures out 17 min ago/);
  assert.deepEqual(staleness({ now: 1000, evaluated: at(990), told: at(600, { server: "app-1" }) }, { age }), ["What app-1 says of its projects is 10 min old."]);
});

test("alerts that fire are shown, the gravest and then the oldest first; what only silences is not", () => {
  const alert = (alertname, severity, activeAt, state = "firing") => ({ labels: { alertname, severity }, annotations: {}, activeAt, state, value: "1" });
  const found = firing([
    alert("Slow", "warning", "2026-11-28T01:00:00Z"),
    alert("Late", "critical", "2026-11-28T03:00:00Z"),
    alert("Down", "critical", "2026-11-28T02:00:00.123456789Z"),
    alert("Soon", "critical", "2026-11-28T02:00:00Z", "pending"),
    alert("ProjectInMaintenance", "none", "2026-11-28T00:00:00Z"),
  ]);
  assert.deepEqual(found.map((each) => each.name), ["Down", "Late", "Slow"]);
  assert.deepEqual(firing([{ state: "firing" }]).length, 1, "an alert without labels and annotations breaks nothing");
});

test("lines of a chart have one axis, with gaps where nothing is", () => {
  const line = (values) => [{ metric: {}, values }];
  const axis = { start: 100, end: 160, step: 20 };
  assert.deepEqual(aligned([line([[100, "1"], [140, "3"], [160, "NaN"]]), [], undefined], axis), [
    [100, 120, 140, 160],
    [1, null, 3, null],
    [null, null, null, null],
    [null, null, null, null],
  ]);
});

test("a chart's table is short, evenly spaced and ends with the newest", () => {
  const times = Array.from({ length: 100 }, (_, index) => index);
  const rows = thinned([times, times], 24);
  assert.ok(rows.length <= 24);
  assert.deepEqual(rows.at(-1), [99, 99]);
  assert.equal(new Set(rows.slice(1).map(([at], index) => at - rows[index][0])).size, 1);
  assert.deepEqual(thinned([[1, 2], [3, 4]], 24), [[1, 3], [2, 4]]);
});
