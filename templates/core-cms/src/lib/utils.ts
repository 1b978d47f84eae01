import { type ClassValue, clsx } from "clsx";
import { twMerge } from "tailwind-merge";

/** Class names as one string; of two that say the same of a thing the later counts. */
export const cn = (...classes: ClassValue[]): string => twMerge(clsx(classes));
