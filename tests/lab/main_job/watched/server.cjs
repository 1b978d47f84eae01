// What is watched: it answers (`/fail` wrongly), logs each request with its trace's id, sends its part of the trace, and counts.
const http = require('http');
const crypto = require('crypto');

const { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_RESOURCE_ATTRIBUTES = '', OTEL_SERVICE_NAME, COUNT_FROM, PORT } = process.env;
const STARTED = Date.now();
let count = 0;
let requests = 0;

// How a process ends on SIGTERM is part of what is compared: each number is written before it goes.
if (COUNT_FROM) {
  const unit = crypto.randomBytes(4).toString('hex');
  setInterval(() => process.stdout.write(`count ${unit} ${count++}\n`), 20);
}

function attributes() {
  const given = OTEL_RESOURCE_ATTRIBUTES.split(',').map((pair) => pair.split('='));
  return [['service.name', OTEL_SERVICE_NAME], ...given]
    .filter(([key, value]) => key && value)
    .map(([key, value]) => ({ key, value: { stringValue: decodeURIComponent(value) } }));
}

function send(trace, parent, path, began, status) {
  const span = {
    traceId: trace,
    spanId: crypto.randomBytes(8).toString('hex'),
    parentSpanId: parent,
    name: `GET ${path}`,
    kind: 2,
    startTimeUnixNano: `${began}000000`,
    endTimeUnixNano: `${Date.now()}000000`,
    status: status >= 500 ? { code: 2, message: 'failed on purpose' } : {},
  };
  const body = JSON.stringify({
    resourceSpans: [{ resource: { attributes: attributes() }, scopeSpans: [{ spans: [span] }] }],
  });
  const request = http.request(`${OTEL_EXPORTER_OTLP_ENDPOINT}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
  });
  request.on('error', (error) => console.error(`traces: ${error.message}`));
  request.on('response', (answer) => answer.resume());
  request.end(body);
}

const server = http.createServer((request, response) => {
  const began = Date.now();
  const path = request.url.split('?')[0];
  if (path === '/metrics') {
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end(`watched_requests_total ${requests}\nwatched_up_seconds ${(Date.now() - STARTED) / 1000}\n`);
    return;
  }
  requests += 1;
  response.statusCode = path === '/fail' ? 500 : 200;
  response.end(JSON.stringify({ path, status: 'ok' }));
  const [, trace, parent] = (request.headers.traceparent ?? '').split('-');
  if (path === '/health') return;
  console.log(JSON.stringify({ level: 'info', message: `answered ${path}`, status: response.statusCode, trace_id: trace }));
  if (OTEL_EXPORTER_OTLP_ENDPOINT && trace) send(trace, parent, path, began, response.statusCode);
});
server.listen(Number(PORT ?? 3000));
process.on('SIGTERM', () => server.close(() => process.exit(0)));
