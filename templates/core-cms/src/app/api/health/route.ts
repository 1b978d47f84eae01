import { currentHealth } from "@/lib/health";
import { handle, json } from "@/lib/http";

export const dynamic = "force-dynamic";

/** 200 while the database answers, `degraded` while another service does not; 503 without the database. */
export const GET = () =>
  handle(async () => {
    const health = await currentHealth();
    return json(health, health.database === "ok" ? 200 : 503);
  });
