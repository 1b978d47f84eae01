"use client";

import { useTranslations } from "next-intl";
import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { usePicture } from "@/hooks/use-picture";
import { useWords } from "@/hooks/use-words";
import { PICTURE_TYPES, type Picture } from "@/types/upload";
import { usePictures } from "./pictures";

interface Props {
  /** Of the picture that the item has. */
  url: string | null;
  error?: string;
  disabled: boolean;
  /** Null: the item is to have none. */
  onPicture(picture: Picture | null): void;
}

/** The field, in an app that has a bucket. */
export const PictureField = (props: Props) => (usePictures() ? <Choice {...props} /> : null);

/** A picture that goes to the bucket as soon as it is chosen, and to the item when the form is saved. */
function Choice({ url, error, disabled, onPicture }: Props) {
  const t = useTranslations("picture");
  const words = useWords();
  const { share, wrong, start } = usePicture(onPicture);
  const said = wrong ? words(wrong) : error;
  return (
    <div className="grid gap-3">
      <Field id="picture" label={t("label")} hint={t("hint")} error={said}>
        <input
          id="picture"
          type="file"
          accept={PICTURE_TYPES.join()}
          disabled={disabled || share !== null}
          aria-describedby="picture-said"
          aria-invalid={said !== undefined}
          className="min-h-11 w-full text-sm file:mr-3 file:min-h-11 file:cursor-pointer file:rounded-md file:border-0 file:bg-secondary file:px-4 file:font-medium file:text-secondary-foreground"
          onChange={({ target }) => {
            const file = target.files?.[0];
            target.value = "";
            if (file) void start(file);
          }}
        />
      </Field>
      {share !== null && (
        <progress value={share} max={1} aria-label={t("progress")} className="h-2 w-full accent-primary" />
      )}
      {url !== null && (
        <div className="flex flex-wrap items-end gap-3">
          <img src={url} alt={t("preview")} className="max-h-48 max-w-full rounded-md border" />
          {!disabled && (
            <Button type="button" variant="outline" onClick={() => onPicture(null)}>
              {t("remove")}
            </Button>
          )}
        </div>
      )}
    </div>
  );
}
