import { config } from "./app";
import type { Dataset } from "./config";
import { handle, Refused } from "./http";
import { activeList } from "./lists";

const HEADERS = { "Content-Type": "application/json", "Cache-Control": "no-store" };

/** Answers `{"<dataset>": [...], "total", "cached"}`; 404 in an app of another dataset. */
export const listRoute = (dataset: Dataset) => () =>
  handle(async () => {
    if (config().dataset !== dataset) throw new Refused("not-found", "this app has no such list");
    return new Response(await activeList(dataset), { headers: HEADERS });
  });
