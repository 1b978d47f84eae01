import { type Outcome, send } from "./client";

/** Signs in or out, from the browser, with the token that NextAuth wants for it. It never throws. */
export async function sendAuth(
  action: "callback/credentials" | "signout",
  value: object = {},
): Promise<Outcome<unknown>> {
  const token = await send<{ csrfToken?: string }>("GET", "/api/auth/csrf");
  if (token.problem) return token;
  return send("POST", `/api/auth/${action}`, { ...value, csrfToken: token.data.csrfToken });
}
