"use client";

import { type ComponentProps, useSyncExternalStore } from "react";

const never = () => () => {};

/**
 * A form that is sent by script. Until the scripts are there nothing can be typed or sent, so nothing is lost; and if it
 * were sent all the same, what was typed would not be in the address.
 */
export function Form({ children, ...props }: ComponentProps<"form">) {
  const ready = useSyncExternalStore(
    never,
    () => true,
    () => false,
  );
  return (
    <form method="post" noValidate {...props}>
      <fieldset disabled={!ready} className="contents">
        {children}
      </fieldset>
    </form>
  );
}
