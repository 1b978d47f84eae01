import type { User } from "@/generated/prisma/client";
import { type SignInForm, signInForm } from "@/types/account-forms";
import { limitedAddress } from "./address";
import { audit } from "./audit";
import { prisma } from "./db";
import { knownDevice } from "./device";
import { Refused } from "./http";
import { giveBack, type Limit, limit, take } from "./limits";
import { log } from "./log";
import { metrics } from "./metrics";
import { hashPassword, type Rank, verifyPassword } from "./password";
import { messageOf } from "./process";
import { endSession, type SessionUser, startSession } from "./session";

export interface Visitor {
  address: string;
  /** The cookie by which the app knows a browser again. */
  device: string | undefined;
}

const WINDOW = 15 * 60;
const WRONG_AT_ONCE = 5;
const WRONG_OF_ADDRESS = 50;
const WRONG_OF_STRANGERS = 30;
/** An hour, by who has the password: each is a session and a line of the audit trail. */
const RIGHT_OF_ACCOUNT = 60;

/**
 * What an attempt counts at. A browser known to the account has a count of its own, which nobody else can use up:
 * strangers who guess, from one address or many, don't keep its owner out.
 */
export function signInLimits(email: string, { address, device }: Visitor): Limit[] {
  const known = knownDevice(device, email);
  if (known !== null) return [limit("sign-in-device", [email, known], WRONG_AT_ONCE, WINDOW)];
  const from = limitedAddress(address);
  return [
    limit("sign-in-pair", [email, from], WRONG_AT_ONCE, WINDOW),
    limit("sign-in-address", [from], WRONG_OF_ADDRESS, WINDOW),
    limit("sign-in-account", [email], WRONG_OF_STRANGERS, WINDOW),
  ];
}

/** The same for an account that isn't there or is disabled and for a wrong password. */
const wrong = () => new Refused("wrong-credentials", "no account has this address and password");

/**
 * Writes a failure to the trail of an account, and no other: strangers could fill it. The answer doesn't wait for it,
 * since it would come later than that for no account.
 */
function failed({ id }: User, address: string): void {
  audit({ actorId: null, action: "sign-in-failed", target: `user:${id}`, address }).catch((error: unknown) =>
    log.warn("a failed sign-in is missing in the audit trail", { cause: messageOf(error) }),
  );
}

/** The account, if the password is its; null otherwise, after the same work. */
async function verified({ email, password }: SignInForm, { address, device }: Visitor): Promise<User | null> {
  const rank: Rank = knownDevice(device, email) === null ? "stranger" : "known";
  const user = await prisma().user.findUnique({ where: { email } });
  const { right, outdated } = await verifyPassword(password, user?.passwordHash ?? null, rank);
  if (user === null) return null;
  if (!right || user.disabledAt !== null) {
    failed(user, address);
    return null;
  }
  if (!outdated) return user;
  const passwordHash = await hashPassword(password, "known");
  await prisma().user.updateMany({
    where: { id: user.id, passwordHash: user.passwordHash },
    data: { passwordHash },
  });
  return { ...user, passwordHash };
}

/** Starts a session, unless the account was changed meanwhile: such a change ends only the sessions that there are. */
async function begin(user: User): Promise<string> {
  const sid = await startSession(user);
  const now = await prisma().user.findUnique({ where: { id: user.id } });
  const unchanged =
    now?.role === user.role && now.disabledAt === null && now.passwordHash === user.passwordHash;
  if (unchanged) return sid;
  await endSession(sid, user.id);
  throw wrong();
}

const count = (result: string) => metrics().signIns.inc({ result });

/** Counts an attempt, and in the metrics one too many. Throws Refused too-often, Unavailable. */
const counted = (limits: Limit[]): Promise<void> =>
  take(limits).catch((error: unknown) => {
    if (error instanceof Refused) count("limited");
    throw error;
  });

/**
 * Checks an e-mail address and a password, and starts a session.
 * @throws Refused invalid, wrong-credentials or too-often
 * @throws Unavailable
 */
export async function signIn(sent: unknown, visitor: Visitor): Promise<SessionUser & { sid: string }> {
  const parsed = signInForm.safeParse(sent);
  if (!parsed.success) throw new Refused("invalid", "an address and a password are needed");
  const limits = signInLimits(parsed.data.email, visitor);
  await counted(limits);
  const user = await verified(parsed.data, visitor).catch(async (error: unknown) => {
    await giveBack(limits);
    throw error;
  });
  if (user === null) {
    count("wrong");
    throw wrong();
  }
  await giveBack(limits);
  await counted([limit("sign-in-right", [user.id], RIGHT_OF_ACCOUNT, 3_600)]);
  const sid = await begin(user);
  await audit({ actorId: user.id, action: "sign-in", target: `user:${user.id}`, address: visitor.address });
  count("ok");
  const { id, email, name, role } = user;
  return { id, email, name, role, sid };
}
