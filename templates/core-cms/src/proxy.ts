import { type NextRequest, NextResponse } from "next/server";
import { instead } from "./lib/away";
import { pagePolicy } from "./lib/csp";

const POLICY = "Content-Security-Policy";

/**
 * Pages get a content security policy whose nonce Next.js puts on its own scripts and styles; it reads it from the
 * request's. While nobody can be known again the dashboard's are answered 503.
 */
export async function proxy(request: NextRequest): Promise<NextResponse> {
  const nonce = btoa(crypto.randomUUID());
  const policy = pagePolicy(nonce, process.env, process.env.NODE_ENV === "development");
  const away = await instead({
    path: request.nextUrl.pathname,
    language: request.headers.get("accept-language"),
    cookie: (name) => request.cookies.get(name)?.value,
  });
  const headers = new Headers(request.headers);
  headers.set(POLICY, policy);
  const response =
    away === null
      ? NextResponse.next({ request: { headers } })
      : new NextResponse(away, { status: 503, headers: AWAY });
  response.headers.set(POLICY, policy);
  return response;
}

const AWAY = { "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "Retry-After": "2" };

export const config = { matcher: ["/((?!api/|_next/static/|icon\\.svg$).*)"] };
