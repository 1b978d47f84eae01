import { subscribe } from "node:diagnostics_channel";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { app } from "./app";
import { pool } from "./db";
import { singleton } from "./utils";

const ROUTES = new Set([
  "/",
  ...["events", "health", "metrics", "orders", "restaurants", "slow", "upload", "version"].map(
    (name) => `/api/${name}`,
  ),
]);

/** The label for a request's path: a fixed set, so that visitors cannot make new series. */
export function routeOf(url: string): string {
  const path = url.split("?", 1)[0] ?? "";
  if (path.startsWith("/_next/")) return "/_next";
  return ROUTES.has(path) ? path : "other";
}

/** Open for as long as the other end likes, which says nothing about speed. */
const OPEN_ENDED = new Set(["/api/events", "/api/upload"]);

const METHODS = new Set(["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]);

function makeMetrics() {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: "app_info",
    help: "1, labelled with what runs here",
    labelNames: ["version", "colour"],
    registers,
  }).set({ version: app().config.version, colour: app().config.colour ?? "" }, 1);
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
  return {
    registry,
    requests: new Counter({
      name: "http_requests_total",
      help: "Requests answered or broken off",
      labelNames: ["method", "route", "status"],
      registers,
    }),
    duration: new Histogram({
      name: "http_request_duration_seconds",
      help: "Time from the request's head to the end of the answer",
      labelNames: ["method", "route"],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    cacheRequests: new Counter({
      name: "cache_requests_total",
      help: "Look-ups in the cache by result: hit, miss or error",
      labelNames: ["result"],
      registers,
    }),
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
      if (!OPEN_ENDED.has(route)) stop();
      requests.inc({ method, route, status: response.writableFinished ? response.statusCode : "aborted" });
    });
  });
}
