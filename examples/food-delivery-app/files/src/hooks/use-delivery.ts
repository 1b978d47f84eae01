"use client";

import { useEffect, useState } from "react";
import { send } from "@/lib/client";
import type { Delivery, Place } from "@/types/order";

/** The customer may not know more of the way than this. */
const MOST_PLACES = 200;
const AGAIN_MS = 3_000;

/** What is known of a delivery: null while we ask, a key of `errors.*` where there is nothing to see. */
export interface Followed {
  delivery: Delivery | null;
  wrong: string | null;
  /** The way so far, as this page saw it. */
  way: Place[];
}

const START: Followed = { delivery: null, wrong: null, way: [] };

/** The way with the newest place behind it, unless nobody moved. */
function longer(way: Place[], place: Delivery["place"]): Place[] {
  const last = way.at(-1);
  if (!place || (last?.latitude === place.latitude && last.longitude === place.longitude)) return way;
  return [...way, place].slice(-MOST_PLACES);
}

/** Follows an order by the key in the address's fragment, through releases and breaks of the connection. */
export function useDelivery(id: string): Followed {
  const [followed, set] = useState(START);
  useEffect(() => {
    let [source, again]: [EventSource | undefined, ReturnType<typeof setTimeout> | undefined] = [
      undefined,
      undefined,
    ];
    const look = async () => {
      const { data, problem } = await send<Delivery>("GET", `/api/orders/${id}/place`);
      if (data) set(({ way }) => ({ delivery: data, wrong: null, way: longer(way, data.place) }));
      else if (problem.code === "not-found") set({ ...START, wrong: problem.code });
    };
    const listen = () => {
      const made = new EventSource(`/api/orders/${id}/events`);
      source = made;
      made.addEventListener("open", look);
      made.addEventListener("changed", look);
      made.addEventListener("error", () => {
        if (made.readyState === EventSource.CLOSED) again = setTimeout(listen, AGAIN_MS);
      });
    };
    const open = async () => {
      const key = location.hash.slice(1);
      const { problem } = key
        ? await send("POST", `/api/orders/${id}/open`, { key })
        : { problem: undefined };
      if (problem) set({ ...START, wrong: problem.code === "invalid" ? "not-found" : problem.code });
      else listen();
    };
    void open();
    return () => {
      source?.close();
      clearTimeout(again);
    };
  }, [id]);
  return followed;
}
