import type { ZodType } from "zod";
import { config } from "./app";
import { log } from "./log";
import { isAway, messageOf } from "./process";

/** No form of this app sends more; pictures go to the bucket. */
export const MOST_BYTES = 100_000;

const STATUS = {
  "bad-json": 400,
  "signed-out": 401,
  "wrong-credentials": 401,
  "other-origin": 403,
  forbidden: 403,
  "not-found": 404,
  conflict: 409,
  "too-large": 413,
  "not-json": 415,
  invalid: 422,
  "too-often": 429,
  internal: 500,
  unavailable: 503,
} as const;

export type Code = keyof typeof STATUS;

/** What is wrong with a request: answered as it is, so it says nothing that its sender may not know. */
export class Refused extends Error {
  /**
   * @param fields a message key for each field that is wrong (`errors.*` of src/messages)
   * @param retryAfter seconds until it is worth asking again
   * @param more what else the error says, e.g. the item as it is now
   */
  constructor(
    readonly code: Code,
    message: string,
    readonly fields: Record<string, string> = {},
    readonly retryAfter: number | null = null,
    readonly more: Record<string, unknown> = {},
  ) {
    super(message);
  }
}

/** An answer that nobody keeps. */
export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return Response.json(body, { status, headers: { "Cache-Control": "no-store", ...headers } });
}

function refusal({ code, message, fields, retryAfter, more }: Refused): Response {
  const headers: Record<string, string> = retryAfter === null ? {} : { "Retry-After": String(retryAfter) };
  return json({ error: { code, message, fields, ...more } }, STATUS[code], headers);
}

/** Runs a handler; what it refuses is answered so, anything else is logged and answered by a bare 500 or 503. */
export async function handle(handler: () => Promise<Response>): Promise<Response> {
  try {
    return await handler();
  } catch (error) {
    if (error instanceof Refused) return refusal(error);
    const away = isAway(error);
    log.error("request failed", { cause: messageOf(error) });
    const said = away ? "a service is away for a moment: try again" : "something went wrong here";
    return refusal(new Refused(away ? "unavailable" : "internal", said, {}, away ? 2 : null));
  }
}

/**
 * Refuses what another site's page sends with a visitor's cookies. Browsers name the origin of every request that
 * changes something; what sends none is no browser and has no cookies of one. An alias that serves the app is a host of
 * its own, which the edge passes on.
 * @throws Refused
 */
export function sameOrigin(request: Request): void {
  const origin = request.headers.get("origin");
  const site = request.headers.get("sec-fetch-site");
  const here = `${URL.parse(config().origin)?.protocol}//${request.headers.get("host")}`;
  const own =
    origin === null ? site === null || site === "same-origin" : [config().origin, here].includes(origin);
  if (!own) {
    throw new Refused("other-origin", "this request comes from another site");
  }
}

async function text(request: Request): Promise<string> {
  const tooLarge = new Refused("too-large", `the body has more than ${MOST_BYTES} bytes`);
  if (Number(request.headers.get("content-length") ?? 0) > MOST_BYTES) throw tooLarge;
  const decoder = new TextDecoder();
  let [found, bytes] = ["", 0];
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MOST_BYTES) throw tooLarge;
    found += decoder.decode(chunk, { stream: true });
  }
  return found + decoder.decode();
}

/**
 * The body of a request that changes something, as `schema` has it.
 * @throws Refused when it comes from elsewhere, isn't JSON, is too large or isn't what the schema says
 */
export async function body<T>(request: Request, schema: ZodType<T>): Promise<T> {
  sameOrigin(request);
  if (!/^application\/json\b/i.test(request.headers.get("content-type") ?? "")) {
    throw new Refused("not-json", "the body must be application/json");
  }
  let value: unknown;
  try {
    value = JSON.parse(await text(request));
  } catch (error) {
    if (error instanceof Refused) throw error;
    throw new Refused("bad-json", "the body must be JSON");
  }
  const found = schema.safeParse(value);
  if (found.success) return found.data;
  const fields = Object.fromEntries(
    found.error.issues.toReversed().map((issue) => [issue.path.join(".") || "body", issue.message]),
  );
  throw new Refused("invalid", "some fields are wrong", fields);
}
