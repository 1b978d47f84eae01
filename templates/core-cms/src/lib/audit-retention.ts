import { withConnection } from "./migrate";

/** For how long the trail says who signed in, out, and failed to, in days. All else stays. */
export const SIGN_IN_DAYS = 90;

const TRAIL = "SELECT to_regclass('audit_log') AS trail";
const OLD = `DELETE FROM audit_log
  WHERE action IN ('sign-in', 'sign-in-failed', 'sign-out') AND at < now() - $1 * interval '1 day'`;

/** Deletes what the trail says no longer. Returns how many entries that were: 0 in an app that has no trail. */
export const forgetSignIns = (url: string): Promise<number> =>
  withConnection(url, async (client) => {
    const { rows } = await client.query(TRAIL);
    if (rows[0]?.trail === null) return 0;
    return (await client.query(OLD, [SIGN_IN_DAYS])).rowCount ?? 0;
  });
