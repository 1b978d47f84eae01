import { createHash, randomBytes } from "node:crypto";
import { z } from "zod";
import { normalEmail } from "./email";

export const INVITED_ROLES = ["admin", "editor"] as const;
/** For how long an invitation can be taken, in seconds. */
export const INVITED_SECONDS = 7 * 86_400;

const invitation = z.object({
  email: z.email().max(254),
  role: z.enum(INVITED_ROLES),
  by: z.uuid().nullable().default(null),
});

/** Who may register, as what, and by whose word: the id of an account, null for the operator. */
export type Invitation = z.infer<typeof invitation>;

/** What of Redis invitations need. */
export interface InvitationStore {
  set(key: string, value: string, options: { expiration: { type: "EX"; value: number } }): Promise<unknown>;
  get(key: string): Promise<string | null>;
  getDel(key: string): Promise<string | null>;
}

const TOKEN = /^[A-Za-z0-9_-]{43}$/;

/** Redis holds the token's SHA-256: who reads Redis can't register. */
const keyOf = (token: string): string => `invite:${createHash("sha256").update(token).digest("hex")}`;

function parse(text: string | null): Invitation | null {
  return text === null ? null : invitation.parse(JSON.parse(text));
}

/**
 * Makes an invitation for seven days.
 * @param by id of the account that invites, null for the operator
 * @returns the token, which is written down nowhere
 * @throws z.ZodError if the address or the role is none
 */
export async function createInvitation(
  store: InvitationStore,
  email: string,
  role: string,
  by: string | null = null,
): Promise<string> {
  const made = invitation.parse({ email: normalEmail(email), role, by });
  const token = randomBytes(32).toString("base64url");
  await store.set(keyOf(token), JSON.stringify(made), { expiration: { type: "EX", value: INVITED_SECONDS } });
  return token;
}

/** The invitation of a token, which stays valid; null if there is none (wrong, used, too old). */
export async function findInvitation(store: InvitationStore, token: string): Promise<Invitation | null> {
  return TOKEN.test(token) ? parse(await store.get(keyOf(token))) : null;
}

/** Takes the invitation: of those who redeem a token at the same time one has it, the others null. */
export async function redeemInvitation(store: InvitationStore, token: string): Promise<Invitation | null> {
  return TOKEN.test(token) ? parse(await store.getDel(keyOf(token))) : null;
}

/** Where the invited register. Browsers send no fragment, so the token is in nobody's log. */
export const invitationLink = (origin: string, token: string): string => `${origin}/register#${token}`;
