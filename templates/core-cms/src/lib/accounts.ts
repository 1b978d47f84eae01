import { z } from "zod";
import type { Prisma } from "@/generated/prisma/client";
import type { InviteForm, PasswordForm, UserChange } from "@/types/account-forms";
import { config } from "./app";
import { audit } from "./audit";
import { prisma } from "./db";
import { Refused } from "./http";
import { createInvitation, invitationLink } from "./invitations";
import { giveBack, limit, take } from "./limits";
import { hashPassword, verifyPassword } from "./password";
import { passwordProblem } from "./password-rules";
import { pageOf } from "./paths";
import { ask } from "./redis";
import { endSessions, type SessionUser } from "./session";

export const USERS_ON_PAGE = 20;

const shown = { id: true, email: true, name: true, role: true, createdAt: true, disabledAt: true } as const;

/** What administrators see of an account. */
export type Account = Prisma.UserGetPayload<{ select: typeof shown }>;

/**
 * A page of all accounts, those that were made first at the top.
 * @param wanted from 1; a page beyond the last is the last
 */
export async function listAccounts(
  wanted: number,
): Promise<{ users: Account[]; total: number; page: number; pages: number }> {
  const total = await prisma().user.count();
  const { page, pages, skip } = pageOf(wanted, total, USERS_ON_PAGE);
  const users = await prisma().user.findMany({
    select: shown,
    orderBy: [{ createdAt: "asc" }, { id: "asc" }],
    skip,
    take: USERS_ON_PAGE,
  });
  return { users, total, page, pages };
}

/**
 * Invites somebody.
 * @returns the link for him, which nobody sees again
 * @throws Refused conflict for an address that has an account, forbidden where nobody may register
 */
export async function invite(admin: SessionUser, form: InviteForm, address: string): Promise<string> {
  const { registration, origin } = config();
  if (registration === "closed") throw new Refused("forbidden", "nobody can register here");
  if (await prisma().user.findUnique({ where: { email: form.email } })) {
    throw new Refused("conflict", "this address has an account", { email: "taken" });
  }
  const token = await ask((redis) => createInvitation(redis, form.email, form.role, admin.id));
  const target = `email:${form.email}`;
  await audit({ actorId: admin.id, action: "invite", target, address, details: { role: form.role } });
  return invitationLink(origin, token);
}

/** Locks the accounts that administrate, so that no two of them take away one another's role at the same time. */
async function administrators(client: Prisma.TransactionClient): Promise<string[]> {
  const found = await client.$queryRaw<{ id: string }[]>`
    SELECT id FROM users WHERE role = 'admin' AND disabled_at IS NULL ORDER BY id FOR UPDATE`;
  return found.map(({ id }) => id);
}

function changed(
  account: Account,
  { role, disabled }: UserChange,
): { action: string; data: Prisma.UserUpdateInput } {
  if (role !== undefined) return { action: "role", data: { role } };
  const disabledAt = disabled ? (account.disabledAt ?? new Date()) : null;
  return { action: disabled ? "disable" : "enable", data: { disabledAt } };
}

const same = (account: Account, { role, disabled }: UserChange) =>
  role === undefined ? disabled === (account.disabledAt !== null) : role === account.role;

/**
 * Changes an account's role, or disables or enables it, and ends its sessions: before the change holds, so that none
 * outlives it if Redis goes away, and after it, for those that began meanwhile. Where the account is as wished they end
 * all the same: the request may repeat one that failed at the very end.
 * @throws Refused not-found; conflict for the last administrator, and for who would disable himself
 */
export async function changeAccount(
  admin: SessionUser,
  id: string,
  change: UserChange,
  address: string,
): Promise<Account> {
  if (!z.uuid().safeParse(id).success) throw new Refused("not-found", "there is no such account");
  if (change.disabled && id === admin.id) {
    throw new Refused("conflict", "nobody disables himself", { disabled: "self" });
  }
  const account = await prisma().$transaction(async (client): Promise<Account> => {
    const admins = await administrators(client);
    const before = await client.user.findUnique({ select: shown, where: { id } });
    if (before === null) throw new Refused("not-found", "there is no such account");
    if (same(before, change)) return before;
    const leaves = change.disabled || change.role === "editor";
    if (leaves && admins.length === 1 && admins[0] === before.id) {
      throw new Refused("conflict", "this is the last administrator", { role: "last-admin" });
    }
    const { action, data } = changed(before, change);
    const after = await client.user.update({ select: shown, where: { id }, data });
    const details = change.role ? { from: before.role, to: change.role } : {};
    await audit({ actorId: admin.id, action, target: `user:${id}`, address, details }, client);
    await endSessions(id);
    return after;
  });
  await endSessions(id);
  return account;
}

/**
 * Changes one's own password; one's other sessions end.
 * @param sid id of the session that lives on
 * @throws Refused invalid or too-often
 */
export async function changePassword(
  user: SessionUser,
  { current, password }: PasswordForm,
  sid: string | null,
  address: string,
): Promise<void> {
  const limits = [limit("password", [user.id], 5, 900)];
  await take(limits);
  const { passwordHash } = await prisma().user.findUniqueOrThrow({ where: { id: user.id } });
  if (!(await verifyPassword(current, passwordHash, "known")).right) {
    throw new Refused("invalid", "the current password is another", { current: "password-wrong" });
  }
  await giveBack(limits);
  const problem = password === current ? "password-same" : passwordProblem(password, user.email);
  if (problem) throw new Refused("invalid", "choose another password", { password: problem });
  const made = await hashPassword(password, "known");
  await prisma().$transaction(async (client) => {
    const where = { id: user.id, passwordHash };
    const { count } = await client.user.updateMany({ where, data: { passwordHash: made } });
    if (count === 0) throw new Refused("conflict", "the password was changed meanwhile");
    await audit({ actorId: user.id, action: "password", target: `user:${user.id}`, address }, client);
    await endSessions(user.id, sid);
  });
  await endSessions(user.id, sid);
}
