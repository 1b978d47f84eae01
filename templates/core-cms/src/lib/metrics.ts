import { subscribe } from "node:diagnostics_channel";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { config } from "./app";
import { pool } from "./db";
import { singleton } from "./process";

const ROUTES = [
  "/api/account",
  "/api/auth",
  "/api/events",
  "/api/health",
  "/api/items",
  "/api/listings",
  "/api/locale",
  "/api/metrics",
  "/api/posts",
  "/api/register",
  "/api/restaurants",
  "/api/uploads",
  "/api/users",
  "/_next",
  "/dashboard",
  "/items",
  "/login",
  "/register",
] as const;

/** Open for as long as the other end likes, which says nothing about speed. */
const OPEN_ENDED = /\/events(\?|$)/;

const METHODS = new Set(["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]);

/** The label for a request's path: one of a fixed set, so that visitors cannot make new series. */
export function routeOf(url: string): string {
  const path = url.split("?", 1)[0] ?? "";
  if (path === "/") return path;
  return ROUTES.find((route) => path === route || path.startsWith(`${route}/`)) ?? "other";
}

type Registers = { registers: Registry[] };

/** What is read when it is asked for: which release this is, and the pool. */
function makeGauges({ registers }: Registers): void {
  const info = {
    name: "app_info",
    help: "1, labelled with what runs here",
    labelNames: ["version", "colour"],
  };
  new Gauge({ ...info, registers }).set({ version: config().version, colour: config().colour ?? "" }, 1);
  new Gauge({
    name: "db_pool_connections",
    help: "Connections of the database pool",
    labelNames: ["state"],
    registers,
    collect() {
      this.set({ state: "total" }, pool().totalCount);
      this.set({ state: "idle" }, pool().idleCount);
      this.set({ state: "waiting" }, pool().waitingCount);
    },
  });
}

function makeMetrics() {
  const registry = new Registry();
  const to: Registers = { registers: [registry] };
  collectDefaultMetrics({ register: registry });
  makeGauges(to);
  const counter = (name: string, help: string, labelNames: string[]) =>
    new Counter({ name, help, labelNames, ...to });
  return {
    registry,
    requests: counter("http_requests_total", "Requests answered or broken off", [
      "method",
      "route",
      "status",
    ]),
    duration: new Histogram({
      name: "http_request_duration_seconds",
      help: "Time from the request's head to the end of the answer",
      labelNames: ["method", "route"],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      ...to,
    }),
    cacheRequests: counter("cache_requests_total", "Look-ups in the cache by result: hit, miss or error", [
      "result",
    ]),
    signIns: counter("sign_ins_total", "Attempts to sign in by result: ok, wrong or limited", ["result"]),
  };
}

export const metrics = () => singleton("metrics", makeMetrics);

/** Counts and times every request that this process's HTTP server answers, pages and files included. */
export function measureRequests(): void {
  const { requests, duration } = metrics();
  subscribe("http.server.request.start", (message) => {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse };
    const route = routeOf(request.url ?? "");
    const method = METHODS.has(request.method ?? "") ? (request.method ?? "") : "other";
    const stop = duration.startTimer({ method, route });
    response.once("close", () => {
      if (!OPEN_ENDED.test(request.url ?? "")) stop();
      requests.inc({ method, route, status: response.writableFinished ? response.statusCode : "aborted" });
    });
  });
}
