"use client";

import { useEffect, useState } from "react";

/** Which release answers right now, by server-sent events. */
export function Live() {
  const [served, setServed] = useState<string | null>(null);
  useEffect(() => {
    const events = new EventSource("/api/events");
    events.addEventListener("tick", (event: MessageEvent<string>) => {
      const { version, hostname, count } = JSON.parse(event.data);
      setServed(`Live from ${hostname}, version ${version}: ${count}`);
    });
    return () => events.close();
  }, []);
  return <span aria-live="off">{served ?? "Connecting…"}</span>;
}
