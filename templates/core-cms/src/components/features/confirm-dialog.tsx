"use client";

import { useTranslations } from "next-intl";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { useConfirm } from "@/hooks/use-confirm";

/** Where `useConfirm` asks. */
export function ConfirmDialog() {
  const t = useTranslations("common");
  const { question, answer } = useConfirm();
  return (
    <Dialog
      open={question !== null}
      onClose={() => answer(false)}
      aria-labelledby="confirm-title"
      aria-describedby="confirm-text"
    >
      <h2 id="confirm-title" className="font-semibold text-lg">
        {question?.title}
      </h2>
      <p id="confirm-text" className="wrap-anywhere mt-2 text-muted-foreground text-sm">
        {question?.text}
      </p>
      <div className="mt-5 flex flex-wrap justify-end gap-2">
        <Button variant="outline" onClick={() => answer(false)}>
          {t("cancel")}
        </Button>
        <Button variant="destructive" onClick={() => answer(true)}>
          {question?.yes}
        </Button>
      </div>
    </Dialog>
  );
}
