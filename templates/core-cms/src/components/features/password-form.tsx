"use client";

import { zodResolver } from "@hookform/resolvers/zod";
import { useTranslations } from "next-intl";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { useProblem } from "@/hooks/use-problem";
import { send } from "@/lib/client";
import { passwordForm } from "@/types/account-forms";
import { Form } from "./form";
import { TextField } from "./text-field";

const NAMES = ["current", "password"] as const;

function usePasswordChange() {
  const form = useForm({
    resolver: zodResolver(passwordForm),
    defaultValues: { current: "", password: "" },
  });
  const [said, say] = useProblem(form, NAMES);
  const [done, setDone] = useState(false);
  const submit = form.handleSubmit(async (values) => {
    say(null);
    setDone(false);
    const sent = await send("POST", "/api/account/password", values);
    if (sent.problem) return say(sent.problem);
    form.reset();
    setDone(true);
  });
  return { form, said, done, submit };
}

/** Changes one's own password. */
export function PasswordForm({ email }: { email: string }) {
  const t = useTranslations("account");
  const { form, said, done, submit } = usePasswordChange();
  const { errors, isSubmitting } = form.formState;
  return (
    <Form onSubmit={submit} className="grid max-w-md gap-3">
      {said && <Alert>{said}</Alert>}
      {/* For password managers, which store the new one for an account. */}
      <input type="email" autoComplete="username" value={email} readOnly hidden />
      <TextField
        label={t("currentPassword")}
        type="password"
        autoComplete="current-password"
        field={form.register("current")}
        error={errors.current}
      />
      <TextField
        label={t("newPassword")}
        hint={t("passwordHint")}
        type="password"
        autoComplete="new-password"
        field={form.register("password")}
        error={errors.password}
      />
      <Button type="submit" disabled={isSubmitting}>
        {t("changePassword")}
      </Button>
      <p role="status" className="text-sm">
        {done && t("passwordChanged")}
      </p>
    </Form>
  );
}
