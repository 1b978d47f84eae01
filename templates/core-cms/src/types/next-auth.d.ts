import type { SessionUser } from "@/lib/session";

declare module "next-auth" {
  /** What `authorize` found: the session that began, by its id. */
  interface User {
    sid: string;
  }
  interface Session {
    user: SessionUser;
  }
}

declare module "next-auth/jwt" {
  /** All that the token says is which session in Redis it stands for. */
  interface JWT {
    sid: string;
  }
}
