"use client";

import { useTranslations } from "next-intl";
import { Alert } from "@/components/ui/alert";
import { useInvitation } from "@/hooks/use-invitation";
import { useWords } from "@/hooks/use-words";
import { RegisterForm } from "./register-form";

/** The form for who may register by the link that brought him, or because anybody may; else a word of why not. */
export function Registration({ open }: { open: boolean }) {
  const t = useTranslations("account");
  const words = useWords();
  const invited = useInvitation();
  if (invited === undefined) return <p role="status">{t("lookingUp")}</p>;
  if (invited === null) return open ? <RegisterForm invited={null} /> : <p>{t("byInvitation")}</p>;
  if ("email" in invited) return <RegisterForm key={invited.token} invited={invited} />;
  const { code, fields } = invited.problem;
  return <Alert>{fields.invitation ? t("notInvited") : words(code)}</Alert>;
}
