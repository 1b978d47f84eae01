// One kind of HTTP traffic at a steady rate: GETs and POSTs in turn. What it needs comes in the environment.
import exec from "k6/execution";
import http from "k6/http";
import { Trend } from "k6/metrics";

const { KIND, HOST, ADDRESS, RATE, DURATION, FRESH } = __ENV;
const base = `https://${HOST}`;
// From the first look for a connection to the last byte of the answer, as a visitor waits for it.
const whole = new Trend("whole", true);

export const options = {
  hosts: { [HOST]: ADDRESS },
  noConnectionReuse: FRESH === "yes",
  systemTags: [],
  summaryTrendStats: ["med", "p(99)", "max"],
  scenarios: {
    [KIND]: {
      executor: "constant-arrival-rate",
      rate: Number(RATE),
      timeUnit: "1s",
      duration: DURATION,
      preAllocatedVUs: 8,
      maxVUs: 120,
      gracefulStop: "5s",
    },
  },
};

export function setup() {
  const answer = http.get(`${base}/api/restaurants`);
  if (answer.status !== 200) throw new Error(`${base}/api/restaurants: ${answer.status} ${answer.error}`);
  return { item: answer.json("items.0.id"), run: Date.now().toString(36) };
}

function keep(method, answer, right) {
  const { blocked, connecting, tls_handshaking, duration } = answer.timings;
  const took = blocked + connecting + tls_handshaking + duration;
  const tags = { kind: KIND, method, status: String(answer.status), proto: answer.proto };
  // Every failure is a line in the samples; what it was is in its tags.
  if (!right) tags.wrong = answer.error_code ? `error ${answer.error_code}` : `status ${answer.status}`;
  whole.add(took, tags);
  if (!right) console.error(`${KIND} ${method} ${answer.status} ${answer.error} ${String(answer.body).slice(0, 120)}`);
}

function get() {
  const answer = http.get(`${base}/api/version`, { timeout: "15s" });
  keep("GET", answer, answer.status === 200 && String(answer.body).includes('"colour"'));
}

function post(data) {
  const reference = `${KIND}-${data.run}-${exec.scenario.iterationInTest}`;
  const order = JSON.stringify({ item_id: data.item, quantity: 1, reference });
  const headers = { "Content-Type": "application/json" };
  const answer = http.post(`${base}/api/orders`, order, { headers, timeout: "15s" });
  // 201 and not 200, which would say that somebody on the way sent it twice.
  keep("POST", answer, answer.status === 201 && String(answer.body).includes(reference));
}

export default function (data) {
  if (exec.scenario.iterationInTest % 2 === 0) get();
  else post(data);
}
