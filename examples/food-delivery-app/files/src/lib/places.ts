import { stopping } from "./lifecycle";
import { endingMs, Hub, inSlices, publish, subscribed } from "./live";
import { singleton } from "./process";

/** This process's streams, by order. */
export class Places {
  readonly #hubs = new Map<string, Hub>();

  get size(): number {
    return this.#sum((hub) => hub.size);
  }

  /** How many streams a visitor's address has. */
  of(address: string): number {
    return this.#sum((hub) => hub.of(address));
  }

  /** Server-sent events, `changed` whenever the courier of this order is somewhere else. */
  stream(orderId: string, address: string): ReadableStream<Uint8Array> {
    for (const [id, hub] of this.#hubs) if (hub.size === 0) this.#hubs.delete(id);
    const hub = this.#hubs.get(orderId) ?? new Hub(orderId);
    this.#hubs.set(orderId, hub);
    return hub.stream(address);
  }

  changed(orderId: string): void {
    this.#hubs.get(orderId)?.changed();
  }

  /** After a time without Redis: nobody knows what was said. */
  allChanged(): void {
    for (const hub of this.#hubs.values()) hub.changed();
  }

  /** Ends all within this time, in milliseconds. */
  end(overMs: number): void {
    inSlices([...this.#hubs.values()], (hub) => hub.end(), overMs);
  }

  #sum(of: (hub: Hub) => number): number {
    let sum = 0;
    for (const hub of this.#hubs.values()) sum += of(hub);
    return sum;
  }
}

/** This process's streams; they end when it is asked to stop. */
export const places = (): Places =>
  singleton("places", () => {
    const made = new Places();
    subscribed(
      "places",
      (orderId) => made.changed(orderId),
      () => made.allChanged(),
    );
    stopping().addEventListener("abort", () => made.end(endingMs()), { once: true });
    return made;
  });

/** Tells the streams of all processes. Throws Unavailable. */
export const placeChanged = (orderId: string): Promise<void> => publish("places", orderId);
