import assert from "node:assert/strict";
import { test } from "node:test";

import { client, filled, number, quoted, samples } from "../../../codeb/data/console/prometheus.mjs";

const answering = (status, body) => client(async () => new Response(body, { status }));
const never = (_, { signal }) => new Promise((_, no) => signal.addEventListener("abort", () => no(signal.reason)));
const trouble = (kind, pattern) => (error) => {
  assert.equal(error.kind, kind);
  assert.match(error.message, pattern);
  return true;
};

test("a label's value stays in its string, whatever it has in it", () => {
  const query = 'up{project=$project}[$range]';
  assert.equal(filled(query, { range: "1h", project: "shop" }), 'up{project="shop"}[1h]');
  assert.equal(filled(query, { range: "1h", project: '"} or vector(1) #\\' }), 'up{project="\\"} or vector(1) #\\\\"}[1h]');
  assert.equal(filled(query, { range: "1h", project: "$range $& $' $project" }), 'up{project="$range $& $\' $project"}[1h]');
  assert.equal(quoted("a\nb\u0007é😀"), '"a\\nb\\u0007é😀"');
});

test("a query's marks are filled in once: a project that looks like one is none", () => {
  assert.equal(filled("$project $range", { range: "1h", project: "$range" }), '"$range" 1h');
});

test("Prometheus' numbers are numbers", () => {
  assert.deepEqual(["1.5e-3", "+Inf", "-Inf", "0"].map(number), [0.0015, Infinity, -Infinity, 0]);
  assert.ok(Number.isNaN(number("NaN")));
  assert.deepEqual(samples({ resultType: "scalar", result: [12.5, "3"] }), [{ labels: {}, value: 3, at: 12.5 }]);
  assert.deepEqual(samples({ resultType: "vector", result: [] }), []);
});

test("questions are GETs of what Caddy lets through, below the page's own address", async () => {
  const asked = [];
  const ask = client(async (address, options) => {
    asked.push([address, options.method ?? "GET"]);
    return new Response('{"status":"success","data":{"resultType":"vector","result":[],"alerts":[]}}');
  });
  await ask.instant('up{a="&b=c"}');
  await ask.range("up", { start: 1, end: 2, step: 3 });
  await ask.alerts();
  assert.deepEqual(asked, [
    ["api/v1/query?query=up%7Ba%3D%22%26b%3Dc%22%7D", "GET"],
    ["api/v1/query_range?query=up&start=1&end=2&step=3", "GET"],
    ["api/v1/alerts", "GET"],
  ]);
});

test("each way to fail has its words", async () => {
  await assert.rejects(client(async () => { throw new TypeError("Failed to fetch"); }).alerts(), trouble("unreachable", /no connection/));
  const awake = setTimeout(() => {}, 60_000); // node doesn't wait for a signal's own timer
  await assert.rejects(client(never, 20).alerts(), trouble("unreachable", /no answer within/));
  clearTimeout(awake);
  for (const status of [502, 503, 504]) await assert.rejects(answering(status, "").alerts(), trouble("unreachable", /monitoring server/));
  await assert.rejects(answering(403, "Internal clients only.").alerts(), trouble("refused", /internal clients/));
  await assert.rejects(answering(200, "<html>").alerts(), trouble("unreachable", /isn't Prometheus/));
  await assert.rejects(answering(422, '{"status":"error","errorType":"execution","error":"too many samples"}').alerts(), trouble("query", /too many samples/));
  await assert.rejects(answering(200, '{"status":"success"}').alerts(), trouble("query", /without data/));
  await assert.rejects(answering(200, "null").alerts(), trouble("query", /without data/));
});

test("a question that the page itself ends is no trouble of Prometheus", async () => {
  const stop = new AbortController();
  const ended = client(never).alerts(stop.signal);
  stop.abort();
  await assert.rejects(ended, { name: "AbortError" });
});
