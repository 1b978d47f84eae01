"use client";

import { useEffect, useState, useSyncExternalStore } from "react";
import { type Problem, send } from "@/lib/client";

/** What a link to register says: whom it is for, or why it isn't for anybody. */
export type Invited = { token: string; email: string } | { token: string; problem: Problem };

function follow(changed: () => void): () => void {
  window.addEventListener("hashchange", changed);
  return () => window.removeEventListener("hashchange", changed);
}

/** The token in the address; empty: there is none; null: scripts don't run yet. */
const useToken = (): string | null =>
  useSyncExternalStore(
    follow,
    () => window.location.hash.slice(1),
    () => null,
  );

/** The invitation by whose link one came here; null: there is none; undefined: that isn't known yet. */
export function useInvitation(): Invited | null | undefined {
  const token = useToken();
  const [found, setFound] = useState<Invited | null>(null);
  useEffect(() => {
    let wanted = true;
    const look = async (invitation: string) => {
      const sent = await send<{ email: string }>("POST", "/api/register/invitation", { invitation });
      if (!wanted) return;
      const said = sent.problem ? { problem: sent.problem } : { email: sent.data.email };
      setFound({ token: invitation, ...said });
    };
    if (token) void look(token);
    return () => {
      wanted = false;
    };
  }, [token]);
  if (token === "") return null;
  return found?.token === token ? found : undefined;
}
