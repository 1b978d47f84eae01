/** What the environment says. */
export type Config = {
  port: number;
  title: string;
  colour: string | null;
  databaseUrl: string | null;
};

const LARGEST_PORT = 65_535;

/** Throws with the variable's name where a value can't be. */
export function readConfig(env: Record<string, string | undefined>): Config {
  const port = Number(env.PORT ?? "3000");
  if (!Number.isInteger(port) || port < 0 || port > LARGEST_PORT) throw new Error("PORT is not a port");
  return {
    port,
    title: env.SHOP_TITLE ?? "Shop",
    colour: env.CODEB_COLOUR ?? null,
    databaseUrl: env.DATABASE_URL ?? null,
  };
}
