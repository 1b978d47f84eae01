"use client";

import { useTranslations } from "next-intl";
import { useState } from "react";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { useWords } from "@/hooks/use-words";
import { sendAuth } from "@/lib/auth-client";

/** Ends the session and goes to the public page. */
export function SignOut() {
  const t = useTranslations("common");
  const words = useWords();
  const [said, setSaid] = useState<string | null>(null);

  const signOut = async () => {
    const sent = await sendAuth("signout");
    if (sent.problem) setSaid(words(sent.problem.code));
    else window.location.assign("/");
  };

  return (
    <>
      <Button variant="ghost" onClick={signOut}>
        {t("signOut")}
      </Button>
      {said && <Alert>{said}</Alert>}
    </>
  );
}
