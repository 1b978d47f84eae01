"use client";

import { zodResolver } from "@hookform/resolvers/zod";
import { useTranslations } from "next-intl";
import { useForm } from "react-hook-form";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { useProblem } from "@/hooks/use-problem";
import { sendAuth } from "@/lib/auth-client";
import { signInForm } from "@/types/account-forms";
import { Form } from "./form";
import { TextField } from "./text-field";

const NAMES = ["email", "password"] as const;

/** Signs in and goes to `next`, a path of ours. */
export function LoginForm({ next }: { next: string }) {
  const t = useTranslations("account");
  const form = useForm({
    resolver: zodResolver(signInForm),
    defaultValues: { email: "", password: "" },
  });
  const [said, say] = useProblem(form, NAMES);
  const { errors, isSubmitting } = form.formState;

  const submit = form.handleSubmit(async (values) => {
    say(null);
    const sent = await sendAuth("callback/credentials", values);
    if (sent.problem) say(sent.problem);
    else window.location.assign(next);
  });

  return (
    <Form onSubmit={submit} className="grid gap-3">
      {said && <Alert>{said}</Alert>}
      <TextField
        label={t("email")}
        type="email"
        autoComplete="username"
        field={form.register("email")}
        error={errors.email}
      />
      <TextField
        label={t("password")}
        type="password"
        autoComplete="current-password"
        field={form.register("password")}
        error={errors.password}
      />
      <Button type="submit" disabled={isSubmitting}>
        {t("signIn")}
      </Button>
    </Form>
  );
}
