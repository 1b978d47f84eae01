"use client";

import { useEffect, useState } from "react";
import type { Place } from "@/types/order";

/** A customer sees a place that is at most 10 seconds old: it is sent more often, also while the courier waits. */
const SEND_MS = 4_000;

export type Sent = "off" | "waiting" | "sent" | "delivered" | "geolocation" | "not-found" | "network";

async function post(path: string, body?: Place): Promise<number> {
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${location.hash.slice(1)}` };
  try {
    return (await fetch(path, { method: "POST", headers, body: body && JSON.stringify(body) })).status;
  } catch {
    // No connection: the next place is sent in a few seconds.
    return 0;
  }
}

const meaning = (status: number): Sent =>
  status === 204 ? "sent" : status === 404 || status === 422 ? "not-found" : "network";

/** Sends where this device is for as long as `on`, by the key in the address's fragment. */
export function useCourier(id: string, on: boolean): { sent: Sent; deliver(): Promise<void> } {
  const [sent, set] = useState<Sent>("off");
  useEffect(() => {
    if (!on) return;
    set("waiting");
    let place: Place | undefined;
    let over = false;
    const tell = async () => {
      if (!place) return;
      const said = meaning(await post(`/api/orders/${id}/place`, place));
      if (!over) set(said);
    };
    const watch = navigator.geolocation.watchPosition(
      ({ coords: { latitude, longitude } }) => {
        const first = place === undefined;
        place = { latitude, longitude };
        if (first) void tell();
      },
      () => set("geolocation"),
      { enableHighAccuracy: true },
    );
    const timer = setInterval(tell, SEND_MS);
    return () => {
      over = true;
      set((last) => (last === "delivered" ? last : "off"));
      navigator.geolocation.clearWatch(watch);
      clearInterval(timer);
    };
  }, [id, on]);
  const deliver = async () => {
    for (;;) {
      const said = meaning(await post(`/api/orders/${id}/delivered`));
      set(said === "sent" ? "delivered" : said);
      if (said !== "network") return;
      await new Promise((resolve) => setTimeout(resolve, SEND_MS));
    }
  };
  return { sent, deliver };
}
