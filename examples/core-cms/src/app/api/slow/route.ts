import { app } from "@/lib/app";
import { answer, json } from "@/lib/http";
import { boundedInt, sleep } from "@/lib/utils";

export const dynamic = "force-dynamic";

/** Demo: answers after `?ms=` milliseconds (1000 unless told, 30000 at most), also while the process stops. */
export const GET = (request: Request) =>
  answer(async () => {
    const ms = boundedInt(new URL(request.url).searchParams.get("ms"), 1_000, 0, 30_000);
    await sleep(ms);
    return json({ waited_ms: ms, version: app().config.version });
  });
