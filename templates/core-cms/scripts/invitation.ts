import { createClient } from "@redis/client";
import { type Config, redisSocket } from "../src/lib/config";
import { createInvitation, invitationLink } from "../src/lib/invitations";
import { withConnection } from "../src/lib/migrate";

/** Where the audit trail says that it was done: no visitor's address. */
const HERE = "command line";

const TRAIL = "INSERT INTO audit_log (action, target, address, details) VALUES ('invite', $1, $2, $3)";

/**
 * Invites somebody without an administrator, as the first of them is: the audit trail names nobody who did it.
 * @param email in small letters
 * @returns the link, which nobody sees again
 * @throws Error where nobody may register, there is no Redis, or a service refuses
 */
export async function inviteBy(config: Config, email: string, role: string): Promise<string> {
  const { redis, registration, origin, database } = config;
  if (registration === "closed") throw new Error("REGISTRATION=closed: nobody can register here");
  if (redis === null) throw new Error("REDIS_HOST is not set: invitations are kept in Redis");
  const { username, password } = redis;
  const socket = { ...redisSocket(redis), connectTimeout: 3_000, reconnectStrategy: false } as const;
  const client = createClient({ socket, database: redis.database, username, password });
  // What goes wrong is told by the command that fails.
  client.on("error", () => undefined);
  await client.connect();
  try {
    const token = await createInvitation(client, email, role);
    // Nobody gets the link without a line of it.
    await withConnection(database.url, (trail) => trail.query(TRAIL, [`email:${email}`, HERE, { role }]));
    return invitationLink(origin, token);
  } finally {
    client.destroy();
  }
}
