/**
 * Makes the next migration: what must be done to a database with all migrations so far for it to be as
 * prisma/schema.prisma says.
 *
 *   npm run migration -- NAME [--empty]      NAME: a-z, 0-9, _; --empty: a file for SQL of your own
 *
 * It needs a Postgres (`DATABASE_URL`) whose role may create databases, as the one of `make dev`: the migrations so far
 * are applied to a database made for it and dropped again. The database of DATABASE_URL itself isn't looked at.
 */
import { fileOf } from "../src/lib/migrations";
import { messageOf } from "../src/lib/process";
import { NAME, nextMigration } from "./next-migration";

const ADVICE =
  "Expand, then contract: add what is new in this release, have it write both, and remove what is old in a later one\n" +
  "(prisma/examples/expand-and-contract). If this is that later one, all is well.\n";

const say = (text: string) => process.stderr.write(text);

async function main([name = "", ...rest]: string[]): Promise<number> {
  const empty = rest[0] === "--empty";
  if (!NAME.test(name) || rest.length > (empty ? 1 : 0)) {
    say(
      "usage: npm run migration -- NAME [--empty]     NAME: a-z, 0-9, _; a letter first, e.g. add_opening_hours\n",
    );
    return 2;
  }
  const url = process.env.DATABASE_URL;
  if (!url) {
    say("DATABASE_URL is not set: `make dev` starts a database and writes it to .env\n");
    return 1;
  }
  const made = await nextMigration({ url, name, empty });
  if (made === null) {
    say("nothing to do: the migrations so far make what prisma/schema.prisma says\n");
    return 0;
  }
  process.stdout.write(`${fileOf(made.migration)}\n`);
  for (const risk of made.risks) say(`warning: ${risk}\n`);
  if (made.risks.length > 0) say(ADVICE);
  return 0;
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    say(`${messageOf(error)}\n`);
    process.exitCode = 1;
  },
);
