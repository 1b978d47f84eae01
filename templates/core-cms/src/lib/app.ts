import { type Config, readConfig } from "./config";
import { singleton } from "./process";

/** This process's configuration, read once from the environment. Throws ConfigError. */
export function config(): Config {
  return singleton("config", () => readConfig(process.env));
}
