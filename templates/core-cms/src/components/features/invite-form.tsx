"use client";

import { zodResolver } from "@hookform/resolvers/zod";
import { useTranslations } from "next-intl";
import { useId, useState } from "react";
import { useForm } from "react-hook-form";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { Input } from "@/components/ui/input";
import { Select } from "@/components/ui/select";
import { useProblem } from "@/hooks/use-problem";
import { send } from "@/lib/client";
import { inviteForm } from "@/types/account-forms";
import { Form } from "./form";
import { TextField } from "./text-field";

const NAMES = ["email", "role"] as const;

/** The link to pass on: it is shown this once. */
function Link({ link }: { link: string }) {
  const t = useTranslations("users");
  const id = useId();
  return (
    <Field id={id} label={t("link")} hint={t("linkHint")}>
      <Input
        id={id}
        aria-describedby={`${id}-said`}
        readOnly
        value={link}
        onFocus={(event) => event.target.select()}
      />
    </Field>
  );
}

function useInvitation() {
  const form = useForm({
    resolver: zodResolver(inviteForm),
    defaultValues: { email: "", role: "editor" as const },
  });
  const [said, say] = useProblem(form, NAMES);
  const [link, setLink] = useState<string | null>(null);
  const submit = form.handleSubmit(async (values) => {
    say(null);
    setLink(null);
    const sent = await send<{ link: string }>("POST", "/api/users", values);
    if (sent.problem) return say(sent.problem);
    form.reset();
    setLink(sent.data.link);
  });
  return { form, said, link, submit };
}

/** Invites somebody and shows the link for him. */
export function InviteForm() {
  const t = useTranslations("users");
  const roles = useTranslations("roles");
  const roleId = useId();
  const { form, said, link, submit } = useInvitation();
  const { errors, isSubmitting } = form.formState;
  return (
    <Form onSubmit={submit} className="grid gap-3">
      {said && <Alert>{said}</Alert>}
      <TextField
        label={t("email")}
        type="email"
        autoComplete="off"
        field={form.register("email")}
        error={errors.email}
      />
      <Field id={roleId} label={t("role")}>
        <Select id={roleId} {...form.register("role")}>
          <option value="editor">{roles("editor")}</option>
          <option value="admin">{roles("admin")}</option>
        </Select>
      </Field>
      <Button type="submit" disabled={isSubmitting}>
        {t("invite")}
      </Button>
      <div role="status">{link && <Link link={link} />}</div>
    </Form>
  );
}
