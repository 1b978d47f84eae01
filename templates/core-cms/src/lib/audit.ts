import type { Prisma } from "@/generated/prisma/client";
import { prisma } from "./db";

export interface AuditEvent {
  /** Who did it; null: nobody who was signed in. */
  actorId: string | null;
  /** A verb in a word or two, e.g. `sign-in` or `publish`. */
  action: string;
  /** What it was done to, e.g. `user:<id>` or `item:<id>`. */
  target: string;
  /** The visitor's, as `visitorAddress` reads it. */
  address: string;
  /** What changed. No password, token or text that a visitor who isn't signed in typed. */
  details?: Prisma.InputJsonObject;
}

/**
 * Adds a line to the audit trail.
 * @param client the transaction of the change itself, so that neither is stored without the other
 */
export async function audit(
  { actorId, action, target, address, details = {} }: AuditEvent,
  client: Pick<Prisma.TransactionClient, "auditEntry"> = prisma(),
): Promise<void> {
  const fitting = {
    action: action.slice(0, 40),
    target: target.slice(0, 120),
    address: address.slice(0, 45),
  };
  await client.auditEntry.create({ data: { actorId, ...fitting, details } });
}
