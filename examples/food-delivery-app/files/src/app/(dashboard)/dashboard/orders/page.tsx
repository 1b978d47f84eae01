import type { Metadata } from "next";
import { getFormatter, getTranslations } from "next-intl/server";
import { OrderForm } from "@/components/features/order-form";
import { Badge } from "@/components/ui/badge";
import { pageUser } from "@/lib/auth";
import { recentOrders } from "@/lib/orders";

export const generateMetadata = async (): Promise<Metadata> => ({
  title: (await getTranslations("nav"))("orders"),
});

/** The newest orders, and a form for the next. */
export default async function Page() {
  await pageUser("/dashboard/orders");
  const [t, format, orders] = [await getTranslations("orders"), await getFormatter(), await recentOrders()];
  return (
    <>
      <h1 className="font-bold text-2xl">{t("title")}</h1>
      <OrderForm />
      <ul className="overflow-hidden rounded-lg border empty:hidden">
        {orders.map(({ id, restaurant, status, createdAt }) => (
          <li key={id} className="flex items-center gap-4 border-b bg-card p-3 last:border-b-0">
            <p className="wrap-anywhere grow">{restaurant}</p>
            <time dateTime={createdAt} className="text-muted-foreground text-sm">
              {format.dateTime(new Date(createdAt), { dateStyle: "medium", timeStyle: "short" })}
            </time>
            <Badge>{t(`status.${status}`)}</Badge>
          </li>
        ))}
      </ul>
    </>
  );
}
