"use client";

import { useRouter } from "next/navigation";
import { useEffect } from "react";
import { useConnection } from "./use-connection";

/** Several changes in a row are looked at once. */
const GATHER_MS = 250;
/** So that all the browsers that hear of a change don't ask in the same moment; the server says more where there are many. */
const SPREAD_MS = 500;
/** Browsers give up for good where they are refused (503); we come again. */
const AGAIN_MS = 10_000;

/** Over how many milliseconds the server wants those who hear of a change to look again. */
function spreadOf({ data }: MessageEvent<string>): number {
  try {
    const { spread } = JSON.parse(data);
    return Number.isFinite(spread) ? spread : SPREAD_MS;
  } catch {
    // An event without data, or cut off.
    return SPREAD_MS;
  }
}

/** Looks again whenever the server says that something is different, and after a time without connection. */
export function useLive(): void {
  const router = useRouter();
  const set = useConnection((state) => state.set);
  useEffect(() => {
    let [source, lost]: [EventSource | undefined, boolean] = [undefined, false];
    let look: ReturnType<typeof setTimeout> | undefined;
    let again: ReturnType<typeof setTimeout> | undefined;
    const lookSoon = (spread: number) => {
      // One that is due comes after this change, too: put off at each it would never come where much happens.
      look ??= setTimeout(
        () => {
          look = undefined;
          router.refresh();
        },
        GATHER_MS + Math.random() * spread,
      );
    };
    const listen = () => {
      const made = new EventSource("/api/events");
      source = made;
      made.addEventListener("changed", (event) => lookSoon(spreadOf(event)));
      made.addEventListener("open", () => {
        set(true);
        if (lost) lookSoon(SPREAD_MS);
        lost = false;
      });
      made.addEventListener("error", () => {
        set(false);
        lost = true;
        if (made.readyState === EventSource.CLOSED) again = setTimeout(listen, AGAIN_MS);
      });
    };
    listen();
    return () => {
      source?.close();
      clearTimeout(look);
      clearTimeout(again);
    };
  }, [router, set]);
}
