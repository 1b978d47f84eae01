import type { Dataset } from "./config";

/** The keys in Redis of a dataset's list and of the lease to store it. */
export const keysOf = (dataset: Dataset): [string, string] => [
  `${dataset}:list:active`,
  `${dataset}:list:lease`,
];
