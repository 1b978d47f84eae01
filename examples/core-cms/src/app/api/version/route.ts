import { app } from "@/lib/app";
import { answer, json } from "@/lib/http";

export const dynamic = "force-dynamic";

export const GET = () =>
  answer(async () => {
    const { config, startedAt } = app();
    const { name, version, colour, hostname } = config;
    return json({ name, version, colour, hostname, started_at: startedAt });
  });
