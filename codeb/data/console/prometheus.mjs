// Prometheus' HTTP API, as Caddy offers it to this page: what can be asked, what comes back, and what goes wrong.

/** What a question ended in when it was no answer; `kind` is `unreachable`, `refused` (who asks) or `query`. */
export class Trouble extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

/** A string of PromQL, whose escapes are those of Go, which has all of JSON's: a label's value stays in it. */
export function quoted(text) {
  return JSON.stringify(String(text));
}

/** Fills `$range` and `$project` in. */
export function filled(query, { range, project = "" }) {
  return query.replaceAll("$range", () => range).replaceAll("$project", () => quoted(project));
}

/** A number of Prometheus, which writes `NaN` and `+Inf` too. */
export function number(text) {
  if (text === "+Inf") return Infinity;
  return text === "-Inf" ? -Infinity : Number(text);
}

/** The samples of an instant answer: `{labels, value, at}`, `at` in seconds; a scalar has no labels. */
export function samples(data) {
  if (data.resultType === "scalar") return [sample({}, data.result)];
  return data.result.map((each) => sample(each.metric, each.value));
}

function sample(labels, [at, value]) {
  return { labels, value: number(value), at };
}

/** How to ask. `signal` ends a question early, `timeout` is in milliseconds. */
export function client(fetched, timeout = 15_000) {
  async function ask(path, parameters, signal) {
    const limits = [AbortSignal.timeout(timeout), ...(signal ? [signal] : [])];
    const address = parameters ? `${path}?${new URLSearchParams(parameters)}` : path;
    let reply;
    let body;
    try {
      reply = await fetched(address, { signal: AbortSignal.any(limits), cache: "no-store", headers: { accept: "application/json" } });
      body = await reply.text();
    } catch (error) {
      if (signal?.aborted) throw error;
      const late = error.name === "TimeoutError";
      throw new Trouble("unreachable", late ? `no answer within ${timeout / 1000} s` : "no connection to this server");
    }
    return understood(reply.status, body);
  }
  return {
    instant: (query, signal) => ask("api/v1/query", { query }, signal).then(samples),
    range: (query, { start, end, step }, signal) => ask("api/v1/query_range", { query, start, end, step }, signal).then((data) => data.result),
    alerts: (signal) => ask("api/v1/alerts", null, signal).then((data) => data.alerts),
  };
}

function understood(status, body) {
  if (status === 502 || status === 503 || status === 504) throw new Trouble("unreachable", `the monitoring server doesn't answer (${status})`);
  if (status === 401 || status === 403) throw new Trouble("refused", `this page is for internal clients (${status})`);
  let answer;
  try {
    answer = JSON.parse(body);
  } catch {
    throw new Trouble("unreachable", `what answered isn't Prometheus (${status})`);
  }
  if (answer?.status === "success" && answer.data) return answer.data;
  throw new Trouble("query", answer?.error ? String(answer.error).slice(0, 300) : `an answer without data (${status})`);
}
