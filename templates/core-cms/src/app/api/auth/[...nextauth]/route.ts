import { cookies } from "next/headers";
import { NextRequest } from "next/server";
import NextAuth from "next-auth";
import { z } from "zod";
import { visitorAddress } from "@/lib/address";
import { currentUser } from "@/lib/auth";
import { callbackCookie, cookieOptions } from "@/lib/cookies";
import { DEVICE_SECONDS, deviceCookie, rememberedDevice } from "@/lib/device";
import { body, handle, json, Refused } from "@/lib/http";
import { authOptions, type Turn } from "@/lib/nextauth";

export const dynamic = "force-dynamic";

type Context = { params: Promise<{ nextauth: string[] }> };

/** Fields are looked at where they are used. */
const form = z.record(z.string(), z.unknown(), { error: "invalid" });

const missing = () => new Refused("not-found", "there is no such page");

async function turnOf(request: Request): Promise<Turn> {
  const device = (await cookies()).get(deviceCookie())?.value;
  return { visitor: { address: visitorAddress(request.headers), device }, user: null };
}

/** The answer without the cookie that says where to go next: pages know that, and NextAuth fails on one made up. */
function withoutCallback(answer: Response): Response {
  const kept = answer.headers.getSetCookie().filter((each) => !each.startsWith(`${callbackCookie()}=`));
  answer.headers.delete("Set-Cookie");
  for (const cookie of kept) answer.headers.append("Set-Cookie", cookie);
  return answer;
}

/** NextAuth's answer to what it needs of a request: neither its query nor any field that we don't have gets there. */
async function ask(request: NextRequest, context: Context, turn: Turn, fields?: object): Promise<Response> {
  const { method, nextUrl } = request;
  const headers = { "Content-Type": "application/json" };
  const init = fields ? { method, headers, body: JSON.stringify(fields) } : { method };
  const jar = await cookies();
  // NextAuth reads cookies here and not from the request that it is given.
  if (jar.has(callbackCookie())) jar.delete(callbackCookie());
  const url = `${nextUrl.origin}${nextUrl.pathname}`;
  const answer: Response = await NextAuth(new NextRequest(url, init), context, authOptions(turn));
  answer.headers.set("Cache-Control", "no-store");
  return withoutCallback(answer);
}

async function refuseForged(answer: Response): Promise<void> {
  const { url } = (await answer.clone().json()) as { url?: string };
  if (URL.parse(url ?? "")?.searchParams.has("csrf")) {
    throw new Refused("other-origin", "the page's token is missing or old: reload the page");
  }
}

/** `csrf`, `session` and `providers`, as NextAuth has them. */
export const GET = (request: NextRequest, context: Context) =>
  handle(async () => {
    const action = (await context.params).nextauth.join("/");
    if (!["csrf", "session", "providers"].includes(action)) throw missing();
    const turn = await turnOf(request);
    if (action !== "session") return ask(request, context, turn);
    turn.user = await currentUser();
    return turn.user ? ask(request, context, turn) : json({});
  });

/** `callback/credentials` signs in, `signout` out; both as JSON with NextAuth's `csrfToken`. */
export const POST = (request: NextRequest, context: Context) =>
  handle(async () => {
    const action = (await context.params).nextauth.join("/");
    if (action !== "callback/credentials" && action !== "signout") throw missing();
    const { csrfToken, email, password } = await body(request, form);
    const turn = await turnOf(request);
    const answer = await ask(request, context, turn, { csrfToken, email, password, json: "true" });
    if (turn.failure) throw turn.failure;
    await refuseForged(answer);
    if (turn.signedIn) {
      const value = rememberedDevice(turn.visitor.device, turn.signedIn);
      (await cookies()).set(deviceCookie(), value, { ...cookieOptions(), maxAge: DEVICE_SECONDS });
    }
    return answer;
  });
