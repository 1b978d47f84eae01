import { limitedAddress, visitorAddress } from "./address";
import { config } from "./app";
import type { Dataset } from "./config";
import { Refused } from "./http";
import { stopping } from "./lifecycle";
import { dropList } from "./lists";
import { log } from "./log";
import { messageOf, singleton } from "./process";
import { ask, connected } from "./redis";

/** The most streams of this process: each costs a connection, so visitors can't have them all. */
export const MOST_STREAMS = 1_000;
/** Proxies and phones give up on a connection that says nothing for a minute. */
const HEARTBEAT_MS = 25_000;
/** A reader who took nothing for this many heartbeats is gone. */
const MOST_MISSED = 3;
const RETRY_MS = 1_000;

/** The most streams of a visitor's address: a browser has one for each window. */
const MOST_OF_ADDRESS = 20;
/** How often some of the streams are ended when all have to end, in milliseconds, and how many at least. */
const [SLICE_MS, SLICE] = [100, 10];
/** Within this time all streams have ended, in milliseconds; within half the time that requests may take, if that is less. */
const MOST_END_MS = 10_000;
/**
 * How many milliseconds a stream adds to the time over which those who hear of a change look again: fifty a second. And
 * the least.
 */
const [SPREAD_MS, LEAST_SPREAD_MS] = [20, 500];

const encoder = new TextEncoder();
const HEARTBEAT = encoder.encode(": still here\n\n");
/** How soon a browser comes back, in milliseconds, after a release or a break. */
const GREETING = encoder.encode("retry: 1000\n\n");

/**
 * Does something to each of them, a tenth of a second's worth at a time, so that it is done to all after `overMs`
 * milliseconds; to ten or fewer at once. Streams end so: their readers come back at once, each with a handshake, and
 * everybody else would wait behind them.
 */
export function inSlices<T>(all: Iterable<T>, each: (one: T) => void, overMs: number): void {
  const left = [...all];
  const slice = Math.max(SLICE, Math.ceil((left.length * SLICE_MS) / Math.max(SLICE_MS, overMs)));
  const next = () => {
    for (const one of left.splice(0, slice)) each(one);
    if (left.length > 0) setTimeout(next, SLICE_MS);
  };
  next();
}

/** How long all streams of a process may take to end, in milliseconds. */
export const endingMs = (): number => Math.min(config().drainMs / 2, MOST_END_MS);

interface Stream {
  address: string;
  changed(): void;
  beat(): void;
  end(): void;
}

/** The one who tells this process's streams. */
export class Hub {
  readonly #streams = new Set<Stream>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly dataset: string,
    private readonly beatMs = HEARTBEAT_MS,
  ) {}

  get size(): number {
    return this.#streams.size;
  }

  /** How many streams go to this address. */
  of(address: string): number {
    let found = 0;
    for (const stream of this.#streams) if (stream.address === address) found += 1;
    return found;
  }

  /** Tells every stream that what is published may be different now. */
  changed(): void {
    for (const stream of this.#streams) stream.changed();
  }

  /** Ends all streams within `overMs` milliseconds. */
  end(overMs = 0): void {
    inSlices(this.#streams, (stream) => stream.end(), overMs);
  }

  #add(stream: Stream): void {
    this.#streams.add(stream);
    this.#timer ??= setInterval(() => {
      for (const each of this.#streams) each.beat();
    }, this.beatMs);
  }

  #remove(stream: Stream): boolean {
    if (!this.#streams.delete(stream)) return false;
    if (this.#streams.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    return true;
  }

  /** What a stream is told of a change: `spread` is over how many milliseconds its readers should look again. */
  #news(): Uint8Array {
    const spread = Math.max(LEAST_SPREAD_MS, this.size * SPREAD_MS);
    const data = JSON.stringify({ dataset: this.dataset, at: new Date().toISOString(), spread });
    return encoder.encode(`event: changed\ndata: ${data}\n\n`);
  }

  /**
   * A body of server-sent events. To a reader who is slower than what happens we owe one event at most: it is sent when
   * he has taken what was sent before, so nothing heaps up.
   * @param address where it goes to
   */
  stream(address = ""): ReadableStream<Uint8Array> {
    let owed = false;
    let missed = 0;
    let me: Stream;
    const source: UnderlyingDefaultSource<Uint8Array> = {
      start: (controller) => {
        const ready = () => (controller.desiredSize ?? 0) > 0;
        me = {
          address,
          changed: () => {
            owed = !ready();
            if (!owed) controller.enqueue(this.#news());
          },
          beat: () => {
            missed = ready() ? 0 : missed + 1;
            if (missed > MOST_MISSED) me.end();
            else if (missed === 0) controller.enqueue(HEARTBEAT);
          },
          end: () => {
            if (this.#remove(me)) controller.close();
          },
        };
        controller.enqueue(GREETING);
        this.#add(me);
      },
      pull: () => {
        if (owed) me.changed();
      },
      cancel: () => void this.#remove(me),
    };
    return new ReadableStream(source, new CountQueuingStrategy({ highWaterMark: 2 }));
  }
}

const EVENTS = {
  "Content-Type": "text/event-stream",
  "Cache-Control": "no-store",
  "X-Accel-Buffering": "no",
};

/**
 * The answer to a browser that listens.
 * @param all the process's streams of this kind: a `Hub`, or who counts several
 * @param open makes one that goes to this address
 * @throws Refused when the process stops or has too many, or this visitor has
 */
export function eventStream(
  request: Request,
  all: { readonly size: number; of(address: string): number },
  open: (address: string) => ReadableStream<Uint8Array>,
): Response {
  const address = limitedAddress(visitorAddress(request.headers));
  if (stopping().aborted || all.size >= MOST_STREAMS) {
    throw new Refused("unavailable", "too many are listening: try again", {}, 10);
  }
  if (all.of(address) >= MOST_OF_ADDRESS) {
    throw new Refused("too-often", "too many are listening from this address", {}, 10);
  }
  return new Response(open(address), { headers: EVENTS });
}

const channelOf = (name: string) => `${config().redis?.channelPrefix ?? ""}${name}`;

/**
 * Listens to a channel of all processes for as long as this one lives; without Redis nothing is heard.
 * @param name of the channel, behind the app's prefix
 * @param onReady after each time without Redis, in which nobody knows what was said
 */
export function subscribed(name: string, onMessage: (text: string) => void, onReady: () => void): void {
  const { redis: to } = config();
  if (to === null) return;
  const client = connected(to, name, { pingInterval: 10_000, socketTimeout: 30_000 });
  let done = false;
  client.on("ready", async () => {
    try {
      if (!done) await client.subscribe(channelOf(name), onMessage);
      done = true;
      onReady();
    } catch (error) {
      log.warn(`could not subscribe to ${name}`, { cause: messageOf(error) });
    }
  });
  stopping().addEventListener("abort", () => client.destroy(), { once: true });
}

/** Tells who `subscribed` to a channel, in all processes. Throws Unavailable. */
export async function publish(name: string, text: string): Promise<void> {
  await ask((client) => client.publish(channelOf(name), text));
}

const CHANGED = "changed";

/** This process's streams; they end when it is asked to stop, some at a time. */
export function live(): Hub {
  return singleton("live", () => {
    const hub = new Hub(config().dataset);
    const tell = () => hub.changed();
    subscribed(CHANGED, tell, tell);
    stopping().addEventListener("abort", () => hub.end(endingMs()), { once: true });
    return hub;
  });
}

/** Drops the list and tells every process. Throws Unavailable. */
async function tell(dataset: Dataset): Promise<void> {
  await dropList(dataset);
  await publish(CHANGED, dataset);
}

const owed = () => singleton("live owed", () => ({ timer: undefined as NodeJS.Timeout | undefined }));

/** Goes on trying until Redis has been told, so that its list is not older than it has to be. */
function tellLater(dataset: Dataset): void {
  owed().timer ??= setTimeout(async () => {
    owed().timer = undefined;
    await tell(dataset).catch(() => {
      if (!stopping().aborted) tellLater(dataset);
    });
  }, RETRY_MS).unref();
}

/**
 * After the commit of a change to what is published: drops the list, tells the streams of all processes. Without Redis
 * those of this process hear it now, and the others once it is back.
 */
export async function publishedChanged(dataset: Dataset): Promise<void> {
  if (config().redis === null) return live().changed();
  try {
    await tell(dataset);
  } catch (error) {
    log.warn("could not tell of a change yet", { cause: messageOf(error) });
    live().changed();
    tellLater(dataset);
  }
}
