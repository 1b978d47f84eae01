import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { App, until } from "./app";
import { createDatabase } from "./fixtures";

/** What the collector was sent; protobuf has texts as they are. */
let heard = "";
const collector = createServer(async (asked, answer) => {
  for await (const bytes of asked) heard += (bytes as Buffer).toString("latin1");
  answer.end();
});

beforeAll(async () => {
  collector.listen(0, "127.0.0.1");
  await once(collector, "listening");
});
afterAll(() => collector.close());

it("the spans of requests that were under way when the process was told to stop are sent", async () => {
  const { NEXTAUTH_URL: _, ...env } = await createDatabase();
  const { port } = collector.address() as AddressInfo;
  // Spans go out in batches: none but the last one, which ends the process, comes in this test's time.
  const batches = { OTEL_BSP_SCHEDULE_DELAY: "600000" };
  const app = await App.ready({
    ...env,
    ...batches,
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
  });
  const expecting = { "Content-Type": "application/json", "Content-Length": "15", Expect: "100-continue" };
  const slow = request(app.url("/api/locale"), { method: "POST", headers: expecting });
  const answered = once(slow, "response");
  slow.flushHeaders();
  await once(slow, "continue");
  app.signal("SIGTERM");
  await until("the signal", () =>
    expect(app.lines().at(-1)).toMatchObject({ message: "stopping", in_flight: 1 }),
  );
  slow.end('{"locale":"ko"}');
  const [answer] = await answered;
  answer.resume();
  expect(answer.statusCode).toBe(200);
  expect(await app.exited).toBe(0);
  expect(heard).toContain("/api/locale");
});
