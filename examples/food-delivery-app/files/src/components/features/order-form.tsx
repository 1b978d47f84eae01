"use client";

import { zodResolver } from "@hookform/resolvers/zod";
import { useRouter } from "next/navigation";
import { useTranslations } from "next-intl";
import { useState } from "react";
import { useForm } from "react-hook-form";
import type { z } from "zod";
import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { Input } from "@/components/ui/input";
import { useToasts } from "@/hooks/use-toasts";
import { useWords } from "@/hooks/use-words";
import { send } from "@/lib/client";
import { newOrder, type PlacedOrder } from "@/types/order";
import { Form } from "./form";

function Links({ customerUrl, courierUrl }: PlacedOrder) {
  const t = useTranslations("orders");
  return (
    <div className="grid gap-2 rounded-lg border bg-card p-4" role="status">
      <p>{t("once")}</p>
      <a className="wrap-anywhere text-primary underline" href={customerUrl}>
        {t("forCustomer")}
      </a>
      <a className="wrap-anywhere text-primary underline" href={courierUrl}>
        {t("forCourier")}
      </a>
    </div>
  );
}

/** Begins a delivery, and shows its two links once. */
export function OrderForm() {
  const [t, words, router] = [useTranslations("orders"), useWords(), useRouter()];
  const say = useToasts((state) => state.say);
  const [placed, setPlaced] = useState<PlacedOrder | null>(null);
  const form = useForm<z.infer<typeof newOrder>>({
    resolver: zodResolver(newOrder),
    defaultValues: { restaurant: "" },
  });
  const { errors, isSubmitting } = form.formState;
  const submit = form.handleSubmit(async (values) => {
    const { data, problem } = await send<{ order: PlacedOrder }>("POST", "/api/orders", values);
    if (problem) return say(words(problem.fields.restaurant ?? problem.code), "wrong");
    setPlaced(data.order);
    form.reset();
    router.refresh();
  });
  const wrong = errors.restaurant?.message;
  return (
    <>
      <Form onSubmit={submit} className="grid gap-3">
        <Field id="restaurant" label={t("restaurant")} error={wrong && words(wrong)}>
          <Input
            id="restaurant"
            aria-describedby="restaurant-said"
            aria-invalid={wrong !== undefined}
            {...form.register("restaurant")}
          />
        </Field>
        <Button type="submit" disabled={isSubmitting} className="justify-self-start">
          {t("place")}
        </Button>
      </Form>
      {placed && <Links {...placed} />}
    </>
  );
}
