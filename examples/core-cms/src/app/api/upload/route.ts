import { app } from "@/lib/app";
import { answer, json } from "@/lib/http";
import { digestOf } from "@/lib/upload";

export const dynamic = "force-dynamic";

/** Demo: reads a body of any size and length of time; answers its size and SHA-256. Nothing is kept. */
export const POST = (request: Request) =>
  answer(async () => {
    const { version, colour } = app().config;
    return json({ ...(await digestOf(request.body)), version, colour });
  });
