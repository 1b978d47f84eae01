import { execFileSync } from "node:child_process";
import { seed } from "../../scripts/seed";
import { Services } from "../../scripts/services/services";
import { readConfig } from "../../src/lib/config";
import { migrate } from "../../src/lib/migrate";
import { readMigrations } from "../../src/lib/migrations";
import { App, freePort } from "../integration/app";

/** How many people sign up in all tests together. */
const GUESTS = 10;

/** Links by which each of them registers. */
function invitations(environment: Record<string, string>): string[] {
  const env = {
    PATH: process.env.PATH,
    NODE_ENV: "production" as const,
    NODE_NO_WARNINGS: "1",
    ...environment,
  };
  const invite = (number: number) =>
    execFileSync(
      process.execPath,
      [".next/tools/invite.cjs", "--role", "admin", `guest-${number}@example.com`],
      {
        env,
        encoding: "utf8",
      },
    ).trim();
  return Array.from({ length: GUESTS }, (_, number) => invite(number));
}

/**
 * Without E2E_URL: the built app with services of its own, thrown away afterwards. With it: that app, and E2E_INVITES has
 * links of invitations, one a line.
 */
export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env.E2E_URL) return undefined;
  const services = await Services.throwAway();
  try {
    await services.createDatabase("e2e");
    const port = await freePort();
    const url = `http://localhost:${port}`;
    const environment: Record<string, string> = {
      ...services.environment("e2e"),
      NEXTAUTH_URL: url,
      NEXTAUTH_SECRET: "a secret of these tests alone",
      PORT: String(port),
    };
    await migrate(environment.DATABASE_URL ?? "", await readMigrations("prisma/migrations"));
    await seed(readConfig(environment), new AbortController().signal);
    const app = await App.ready(environment);
    process.env.E2E_URL = url;
    process.env.E2E_INVITES = invitations(environment).join("\n");
    return async () => {
      await app.stop();
      await services.stop();
    };
  } catch (error) {
    await services.stop();
    throw error;
  }
}
