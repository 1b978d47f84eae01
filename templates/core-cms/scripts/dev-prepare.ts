import { readConfig } from "../src/lib/config";
import { migrate, withConnection } from "../src/lib/migrate";
import { readMigrations } from "../src/lib/migrations";
import { DATABASE, developerEnv, type Env, placeOf } from "./dev-env";
import { chooseWay, startServices } from "./dev-services";
import { MIGRATIONS } from "./engine";
import { inviteBy } from "./invitation";
import { seed } from "./seed";
import { Services } from "./services/services";

/** Who the first invitation is for. */
export const ADMIN = "admin@example.com";

/** Tells the developer, apart from what the app prints. */
export const say = (text: string) => process.stderr.write(`${text}\n`);

/** An invitation for the first administrator, as long as there is nobody and people can register. */
async function firstInvitation(env: Env): Promise<string | null> {
  const config = readConfig(env);
  if (config.redis === null || config.registration === "closed") return null;
  const { rows } = await withConnection(config.database.url, (client) =>
    client.query("SELECT 1 FROM users LIMIT 1"),
  );
  return rows.length > 0 ? null : inviteBy(config, ADMIN, "admin");
}

/** Brings database and bucket to where the app can start; returns what ends the services. */
export async function prepare(
  root: string,
): Promise<{ env: Env; link: string | null; stop: () => Promise<void> }> {
  const env = await developerEnv(root);
  const config = readConfig(env);
  const place = placeOf(root, env);
  let stop = async () => {};
  if (place) {
    const services = new Services(place);
    const way = chooseWay(process.env.DEV_SERVICES);
    say(
      `starting Postgres, Redis and MinIO (${way === "processes" ? way : `${way} compose`}); data is in .dev/`,
    );
    stop = await startServices(way, services, root);
    await services.createDatabase(DATABASE);
  }
  try {
    const ran = await migrate(config.database.url, await readMigrations(MIGRATIONS));
    for (const name of ran) say(`applied ${name}`);
    if (env.APP_SEED === "demo") say(`rows added: ${(await seed(config)).added}`);
    return { env, link: await firstInvitation(env), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
