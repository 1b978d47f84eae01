import { app } from "@/lib/app";
import { currentHealth } from "@/lib/health";
import { answer, json } from "@/lib/http";

export const dynamic = "force-dynamic";

/** 200 if every configured service answers, 503 otherwise. */
export const GET = () =>
  answer(async () => {
    const { version, colour, fault } = app().config;
    const health = await currentHealth();
    const status = fault === "unhealthy" ? "degraded" : health.status;
    return json({ ...health, status, version, colour }, status === "ok" ? 200 : 503);
  });
