import type { Role } from "@/generated/prisma/enums";
import type { RegisterForm } from "@/types/account-forms";
import { limitedAddress } from "./address";
import { config } from "./app";
import { audit } from "./audit";
import { prisma } from "./db";
import { Refused } from "./http";
import { findInvitation, type Invitation, redeemInvitation } from "./invitations";
import { limit, take } from "./limits";
import { log } from "./log";
import { hashPassword } from "./password";
import { messageOf } from "./process";
import { ask } from "./redis";

const FROM_ADDRESS = { most: 20, seconds: 3_600 };
/** Links opened, more than made use of: pages are reloaded. */
const OPENED = { most: 120, seconds: 3_600 };

/** The same for a wrong, a used and an old invitation, one for another address and an address that has an account. */
const notInvited = () => new Refused("invalid", "this invitation is not valid", { invitation: "invitation" });

/** The invitation of a token, as long as who made it may still invite. */
async function invitationOf(token: string): Promise<Invitation | null> {
  const found = await ask((redis) => findInvitation(redis, token));
  if (found === null || found.by === null) return found;
  const inviter = { id: found.by, role: "admin", disabledAt: null } as const;
  return (await prisma().user.findFirst({ select: { id: true }, where: inviter })) && found;
}

const refuseClosed = () => {
  if (config().registration === "closed") throw new Refused("forbidden", "nobody can register here");
};

/**
 * Whom a link is for, which stays valid.
 * @throws Refused forbidden, too-often; invalid, as whoever would register by it is told
 * @throws Unavailable
 */
export async function invitedAddress(token: string, address: string): Promise<string> {
  refuseClosed();
  await take([limit("invitation", [limitedAddress(address)], OPENED.most, OPENED.seconds)]);
  const found = await invitationOf(token);
  if (found === null) throw notInvited();
  return found.email;
}

/** What the account will be, by invitation or because anybody may register. */
async function roleFor({ email, invitation }: RegisterForm): Promise<Role> {
  refuseClosed();
  if (config().registration === "open" && !invitation) return "editor";
  const found = invitation ? await invitationOf(invitation) : null;
  if (found?.email !== email) throw notInvited();
  return found.role;
}

/** The address has its account by now, so an invitation that can't be removed is worth nothing all the same. */
async function forget(invitation: string): Promise<void> {
  try {
    await ask((redis) => redeemInvitation(redis, invitation));
  } catch (error) {
    log.warn("a used invitation stays for its seven days", { cause: messageOf(error) });
  }
}

const isTaken = (error: unknown) => (error as { code?: unknown }).code === "P2002";

/**
 * Makes an account. Sent twice it makes one: an address has one account, and the second is told what anybody is whose
 * address has one.
 * @throws Refused forbidden, invalid, too-often; conflict for a known address where anybody may register
 * @throws Unavailable
 */
export async function register(form: RegisterForm, address: string): Promise<{ id: string; role: Role }> {
  await take([limit("register", [limitedAddress(address)], FROM_ADDRESS.most, FROM_ADDRESS.seconds)]);
  const role = await roleFor(form);
  const { email, name, invitation } = form;
  const passwordHash = await hashPassword(form.password, invitation ? "known" : "stranger");
  const made = prisma().$transaction(async (client) => {
    const { id } = await client.user.create({ data: { email, name, role, passwordHash } });
    const details = { role, invited: invitation !== undefined };
    await audit({ actorId: id, action: "register", target: `user:${id}`, address, details }, client);
    return { id, role };
  });
  const account = await made.catch((error: unknown) => {
    if (!isTaken(error)) throw error;
    throw invitation
      ? notInvited()
      : new Refused("conflict", "this address has an account", { email: "taken" });
  });
  if (invitation) await forget(invitation);
  return account;
}
