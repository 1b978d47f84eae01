import { createServer, type ServerResponse } from "node:http";
import { Pool } from "pg";
import { shown, total } from "./basket.js";
import { readConfig } from "./config.js";
import { cause, log } from "./log.js";
import { VERSION } from "./version.js";

const config = readConfig(process.env);
const pool = config.databaseUrl === null ? null : new Pool({ connectionString: config.databaseUrl, max: 4 });
pool?.on("error", (error) => log("error", "an idle database connection broke", { cause: error.message }));

function answer(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store" });
  response.end(JSON.stringify(body));
}

async function health(response: ServerResponse): Promise<void> {
  const { colour } = config;
  try {
    await pool?.query("SELECT 1");
    answer(response, { status: "ok", database: pool === null ? "none" : "ok", version: VERSION, colour });
  } catch (error) {
    log("error", "health: database failed", { cause: cause(error) });
    answer(response, { status: "degraded", database: "failed", version: VERSION, colour }, 503);
  }
}

const BASKET = [
  { name: "tea", cents: 350, count: 2 },
  { name: "cup", cents: 1290, count: 1 },
];

const server = createServer({ keepAliveTimeout: 150_000 }, (request, response) => {
  const path = request.url?.split("?", 1)[0];
  if (path === "/api/health") void health(response);
  else if (path === "/")
    answer(response, { title: config.title, version: VERSION, total: shown(total(BASKET)) });
  else answer(response, { error: "there is nothing here" }, 404);
});

function stop(): void {
  server.close(() => void pool?.end());
  server.closeIdleConnections();
}

for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, stop);
server.listen(config.port, "0.0.0.0", () => log("info", "ready", { address: server.address() }));
