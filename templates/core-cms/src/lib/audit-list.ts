import { z } from "zod";
import type { AuditEntry } from "@/generated/prisma/client";
import { prisma } from "./db";
import { pageOf } from "./paths";

export const ENTRIES_ON_PAGE = 50;
/** So far back one sees here; older entries are in the database. */
const MOST_PAGES = 200;

export interface AuditLine {
  id: string;
  at: Date;
  /** Name and address of who did it; null: nobody who was signed in, or an account that is gone. */
  actor: string | null;
  action: string;
  target: string;
  address: string;
  details: string;
}

const PREFIX = "user:";

const idsIn = (entries: AuditEntry[]): string[] => {
  const named = entries.flatMap(({ actorId, target }) => [actorId ?? "", target.replace(PREFIX, "")]);
  return [...new Set(named)].filter((id) => z.uuid().safeParse(id).success);
};

const written = (details: AuditEntry["details"]): string =>
  Object.entries(details ?? {})
    .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");

/**
 * A page of the audit trail, the last first, with the names that accounts have today.
 * @param wanted from 1; a page beyond the last is the last
 */
export async function listAudit(
  wanted: number,
): Promise<{ lines: AuditLine[]; page: number; pages: number }> {
  const total = await prisma().auditEntry.count({ take: MOST_PAGES * ENTRIES_ON_PAGE });
  const { page, pages, skip } = pageOf(wanted, total, ENTRIES_ON_PAGE);
  const entries = await prisma().auditEntry.findMany({
    orderBy: [{ at: "desc" }, { id: "desc" }],
    skip,
    take: ENTRIES_ON_PAGE,
  });
  const select = { id: true, name: true, email: true };
  const users = await prisma().user.findMany({ select, where: { id: { in: idsIn(entries) } } });
  const names = new Map(users.map(({ id, name, email }) => [id, `${name} <${email}>`]));
  const lines = entries.map(({ id, at, actorId, action, target, address, details }) => ({
    id: String(id),
    at,
    actor: actorId && (names.get(actorId) ?? null),
    action,
    target: names.get(target.replace(PREFIX, "")) ?? target,
    address,
    details: written(details),
  }));
  return { lines, page, pages };
}
