"use client";

import { useRouter } from "next/navigation";
import { useTranslations } from "next-intl";
import { useState } from "react";
import { Alert } from "@/components/ui/alert";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Select } from "@/components/ui/select";
import { type Question, useConfirm } from "@/hooks/use-confirm";
import { useWords } from "@/hooks/use-words";
import { send } from "@/lib/client";
import type { UserChange } from "@/types/account-forms";

interface Props {
  id: string;
  name: string;
  email: string;
  role: "admin" | "editor";
  disabled: boolean;
  /** The administrator who looks at it, who can't disable himself. */
  self: boolean;
}

/** Changes the account once the administrator has said yes; what was wrong with that, and whether it is under way. */
function useChange(id: string) {
  const ask = useConfirm((state) => state.ask);
  const words = useWords();
  const router = useRouter();
  const [said, setSaid] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const change = async (wanted: UserChange, question: Question | null) => {
    if (question !== null && !(await ask(question))) return;
    setBusy(true);
    setSaid(null);
    const sent = await send("PATCH", `/api/users/${id}`, wanted);
    if (sent.problem) setSaid(words(Object.values(sent.problem.fields)[0] ?? sent.problem.code));
    else router.refresh();
    setBusy(false);
  };
  return { said, busy, change };
}

/** What to ask before an account is changed in a way that ends its sessions. */
function useQuestions(name: string) {
  const t = useTranslations("users");
  const roles = useTranslations("roles");
  return {
    ofRole: (role: Props["role"]): Question => ({
      title: t("roleTitle", { name, role: roles(role) }),
      text: t("endsSessions", { name }),
      yes: t("changeRole"),
    }),
    ofDisabling: (): Question => ({
      title: t("disableTitle", { name }),
      text: t("endsSessions", { name }),
      yes: t("disable"),
    }),
  };
}

/** An account and what an administrator may do to it. */
export function AccountRow({ id, name, email, role, disabled, self }: Props) {
  const t = useTranslations("users");
  const roles = useTranslations("roles");
  const { said, busy, change } = useChange(id);
  const { ofRole, ofDisabling } = useQuestions(name);
  const become = (value: string) => {
    const wanted = value === "admin" ? "admin" : "editor";
    void change({ role: wanted }, ofRole(wanted));
  };
  return (
    <li className="grid gap-2 p-4 sm:grid-cols-[1fr_auto_auto] sm:items-center">
      <div className="min-w-0">
        <p className="truncate font-medium">
          {name} {disabled && <Badge>{t("disabled")}</Badge>}
        </p>
        <p className="truncate text-muted-foreground text-sm">{email}</p>
      </div>
      <Select
        aria-label={t("roleOf", { name })}
        value={role}
        disabled={busy}
        onChange={(event) => become(event.target.value)}
      >
        <option value="editor">{roles("editor")}</option>
        <option value="admin">{roles("admin")}</option>
      </Select>
      <Button
        variant="outline"
        disabled={busy || self}
        aria-label={t(disabled ? "enableOf" : "disableOf", { name })}
        onClick={() => change({ disabled: !disabled }, disabled ? null : ofDisabling())}
      >
        {t(disabled ? "enable" : "disable")}
      </Button>
      {said && <Alert className="sm:col-span-3">{said}</Alert>}
    </li>
  );
}
