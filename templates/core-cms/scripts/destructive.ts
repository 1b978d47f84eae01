import { lineOf, statements } from "../src/lib/sql";

/** What breaks the release that still runs while the next one starts, or a rollback to it; and what to do instead. */
const RISKS: [RegExp, string][] = [
  [
    /\bDROP\s+(TABLE|VIEW|TYPE|COLUMN)\b/i,
    "the release that is live still uses it, and a rollback would miss it",
  ],
  [/\bRENAME\b/i, "the release that is live knows the old name only: add the new one beside it"],
  [
    /\bALTER\s+COLUMN\b[\s\S]*?\b(SET\s+DATA\s+)?TYPE\b/i,
    "a changed type rewrites the table under a lock: add a column",
  ],
  [/\bALTER\s+COLUMN\b[\s\S]*?\bSET\s+NOT\s+NULL\b/i, "the release that is live may still leave it empty"],
  [
    /\bADD\s+COLUMN\b(?![^,]*\bDEFAULT\b)[^,]*\bNOT\s+NULL\b/i,
    "fails where there are rows, and for the release that is live",
  ],
  [/\bDROP\s+DEFAULT\b/i, "the release that is live may rely on it"],
  [/\bCREATE\s+UNIQUE\s+INDEX\b/i, "fails where rows are alike"],
];

/** Of each statement that may lose data or break the release that is live: `line 3: ALTER TABLE …: why`. */
export function risks(sql: string): string[] {
  return statements(sql).flatMap(({ text, offset }) => {
    // On a table that this very migration makes nobody relies on anything.
    const table = /\bON\s+("?[\w.]+"?)/i.exec(text)?.[1];
    const isNew = table !== undefined && new RegExp(`\\bCREATE\\s+TABLE\\s+${table}\\s`, "i").test(sql);
    const risk = isNew ? undefined : RISKS.find(([pattern]) => pattern.test(text));
    return risk ? [`line ${lineOf(sql, offset)}: ${text.replace(/\s+/g, " ").slice(0, 80)}: ${risk[1]}`] : [];
  });
}
