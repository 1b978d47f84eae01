"use client";

import { zodResolver } from "@hookform/resolvers/zod";
import { useTranslations } from "next-intl";
import { useForm } from "react-hook-form";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { useProblem } from "@/hooks/use-problem";
import { sendAuth } from "@/lib/auth-client";
import { send } from "@/lib/client";
import { registerForm } from "@/types/account-forms";
import { Form } from "./form";
import { TextField } from "./text-field";

const NAMES = ["email", "name", "password"] as const;

interface Props {
  /** The invitation's token and the address that it is for; null where anybody may register. */
  invited: { token: string; email: string } | null;
}

function useRegistration(invited: Props["invited"]) {
  const form = useForm({
    resolver: zodResolver(registerForm),
    defaultValues: { email: invited?.email ?? "", name: "", password: "", invitation: invited?.token },
  });
  const [said, say] = useProblem(form, NAMES);
  const submit = form.handleSubmit(async (values) => {
    say(null);
    const sent = await send("POST", "/api/register", values);
    if (sent.problem) return say(sent.problem);
    const { email, password } = values;
    const signedIn = await sendAuth("callback/credentials", { email, password });
    window.location.assign(signedIn.problem ? "/login" : "/dashboard");
  });
  return { form, said, submit };
}

/** Makes an account, signs in to it and goes to the dashboard. */
export function RegisterForm({ invited }: Props) {
  const t = useTranslations("account");
  const { form, said, submit } = useRegistration(invited);
  const { errors, isSubmitting } = form.formState;
  return (
    <Form onSubmit={submit} className="grid gap-3">
      {said && <Alert>{said}</Alert>}
      <TextField
        label={t("email")}
        type="email"
        autoComplete="username"
        readOnly={invited !== null}
        field={form.register("email")}
        error={errors.email}
      />
      <TextField label={t("name")} autoComplete="name" field={form.register("name")} error={errors.name} />
      <TextField
        label={t("password")}
        hint={t("passwordHint")}
        type="password"
        autoComplete="new-password"
        field={form.register("password")}
        error={errors.password}
      />
      <Button type="submit" disabled={isSubmitting}>
        {t("register")}
      </Button>
    </Form>
  );
}
