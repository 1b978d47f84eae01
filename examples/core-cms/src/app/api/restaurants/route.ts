import { answer, json } from "@/lib/http";
import { currentItems } from "@/lib/items";

export const dynamic = "force-dynamic";

export const GET = () => answer(async () => json(await currentItems()));
