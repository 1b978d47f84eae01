// POSTs from users that keep their connection and pause for a random time. HTTP/1.1 with GODEBUG=http2client=0.
import { sleep } from "k6";
import http from "k6/http";

export const options = {
  vus: Number(__ENV.USERS),
  duration: "1h",
  hosts: { [__ENV.DOMAIN]: __ENV.ADDRESS },
  insecureSkipTLSVerify: true,
  noConnectionReuse: __ENV.FRESH === "1",
  summaryTrendStats: ["p(99)", "max"],
};
const body = "x".repeat(1000);

export default function () {
  http.post(`https://${__ENV.DOMAIN}/`, body);
  sleep(0.1 + Math.random() * 0.2);
}

export function handleSummary(data) {
  const { http_req_failed: failed, iteration_duration, http_req_duration: took, http_reqs } = data.metrics;
  const stdout = { requests: http_reqs.values.count, failed: failed.values.passes };
  return { stdout: JSON.stringify({ ...stdout, p99_ms: took.values["p(99)"], slowest_ms: iteration_duration.values.max }) };
}
