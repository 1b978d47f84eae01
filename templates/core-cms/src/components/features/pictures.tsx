"use client";

import { createContext, type ReactNode, useContext } from "react";

const Pictures = createContext(true);

/** Whether the app has a bucket, without which there are no pictures. */
export const usePictures = (): boolean => useContext(Pictures);

/** Says so to all that is in it. */
export function HasPictures({ value, children }: { value: boolean; children: ReactNode }) {
  return <Pictures value={value}>{children}</Pictures>;
}
