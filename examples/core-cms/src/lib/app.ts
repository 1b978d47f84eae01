import { type Config, readConfig } from "./config";
import { singleton } from "./utils";

export interface App {
  config: Config;
  startedAt: Date;
}

/** This process: its configuration, read once from the environment, and when it began. */
export function app(): App {
  return singleton("app", () => ({ config: readConfig(process.env), startedAt: new Date() }));
}
