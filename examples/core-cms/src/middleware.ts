import { type NextRequest, NextResponse } from "next/server";
import { pagePolicy } from "./lib/csp";

/** Pages get a content security policy whose nonce Next.js puts on its own scripts. */
export function middleware(request: NextRequest): NextResponse {
  const policy = pagePolicy(crypto.randomUUID(), process.env);
  const headers = new Headers(request.headers);
  headers.set("Content-Security-Policy", policy);
  const response = NextResponse.next({ request: { headers } });
  response.headers.set("Content-Security-Policy", policy);
  return response;
}

export const config = { runtime: "nodejs", matcher: ["/((?!api/|_next/|icon.svg).*)"] };
