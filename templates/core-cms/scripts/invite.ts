/**
 * Invites somebody, from the operator's own terminal:
 *
 *   node invite.cjs [--role admin|editor] [--json] EMAIL
 *
 * Prints the link by which this address registers, once, within seven days. Without --role: an editor. It is in the audit
 * trail; where nobody can register (REGISTRATION=closed) nobody is invited.
 */
import { parseArgs } from "node:util";
import { readConfig } from "../src/lib/config";
import { normalEmail } from "../src/lib/email";
import { INVITED_ROLES, INVITED_SECONDS } from "../src/lib/invitations";
import { messageOf } from "../src/lib/process";
import { inviteBy } from "./invitation";

const USAGE = "usage: node invite.cjs [--role admin|editor] [--json] EMAIL\n";

interface Wish {
  email: string;
  role: string;
  json: boolean;
}

function read(args: string[]): Wish | null {
  const options = {
    role: { type: "string", default: "editor" },
    json: { type: "boolean", default: false },
  } as const;
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    const [email = "", ...rest] = positionals;
    const fits = rest.length === 0 && INVITED_ROLES.some((role) => role === values.role);
    return fits && /^[^@\s]+@[^@\s]+$/.test(email)
      ? { email: normalEmail(email), role: values.role, json: values.json }
      : null;
  } catch {
    return null;
  }
}

async function invite({ email, role, json }: Wish): Promise<string> {
  const link = await inviteBy(readConfig(process.env), email, role);
  const expires = new Date(Date.now() + INVITED_SECONDS * 1_000).toISOString();
  return json ? JSON.stringify({ email, role, expires, link }) : link;
}

async function main(): Promise<void> {
  const wish = read(process.argv.slice(2));
  if (wish === null) {
    process.stderr.write(USAGE);
    process.exitCode = 2;
    return;
  }
  process.stdout.write(`${await invite(wish)}\n`);
}

main().catch((error: unknown) => {
  const cause =
    error instanceof Error && error.name === "ZodError" ? "this is no e-mail address" : messageOf(error);
  process.stderr.write(`not invited: ${cause}\n`);
  process.exitCode = 1;
});
