import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { normalPassword } from "./password-rules";
import { singleton, Unavailable } from "./process";

/** What scrypt costs: 2^ln × r × 128 bytes, 32 MiB here, p times over. The strongest that OWASP names for that memory. */
interface Cost {
  ln: number;
  r: number;
  p: number;
}

const COST: Cost = { ln: 15, r: 8, p: 3 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** Each takes a thread of libuv's four, which files and names need, too. */
const AT_ONCE = 2;
/** How many may wait for that, of either kind: who comes later is told to come back. */
const MOST_WAITING = 20;

/** `known`: who signed in by this browser before, is signed in or invited; he goes before all strangers. */
export type Rank = "known" | "stranger";

class Gate {
  #running = 0;
  readonly #waiting: Record<Rank, (() => void)[]> = { known: [], stranger: [] };

  async pass<T>(rank: Rank, work: () => Promise<T>): Promise<T> {
    if (this.#running >= AT_ONCE) {
      const queue = this.#waiting[rank];
      if (queue.length >= MOST_WAITING) throw new Unavailable("too many passwords at once");
      await new Promise<void>((resolve) => queue.push(resolve));
    } else {
      this.#running += 1;
    }
    try {
      return await work();
    } finally {
      const next = this.#waiting.known.shift() ?? this.#waiting.stranger.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }
}

function derive(password: string, salt: Buffer, { ln, r, p }: Cost, rank: Rank): Promise<Buffer> {
  const options = { N: 2 ** ln, r, p, maxmem: 256 * r * 2 ** ln };
  const work = () =>
    new Promise<Buffer>((resolve, reject) => {
      scrypt(normalPassword(password), salt, HASH_BYTES, options, (error, key) =>
        error ? reject(error) : resolve(key),
      );
    });
  return singleton("password gate", () => new Gate()).pass(rank, work);
}

const base64 = (bytes: Buffer) => bytes.toString("base64").replace(/=+$/, "");

/**
 * What to store of a password: `$scrypt$ln=…,r=…,p=…$salt$hash`, the PHC string format.
 * @throws Unavailable when too many wait for theirs
 */
export async function hashPassword(password: string, rank: Rank = "stranger", cost = COST): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(password, salt, cost, rank);
  return `$scrypt$ln=${cost.ln},r=${cost.r},p=${cost.p}$${base64(salt)}$${base64(hash)}`;
}

const STORED = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

function parse(stored: string): { cost: Cost; salt: Buffer; hash: Buffer } {
  const [, ln, r, p, salt, hash] = STORED.exec(stored) ?? [];
  if (!salt || !hash) throw new Error("a stored password is no scrypt of ours");
  const bytes = (text: string) => Buffer.from(text, "base64");
  return { cost: { ln: Number(ln), r: Number(r), p: Number(p) }, salt: bytes(salt), hash: bytes(hash) };
}

/** What is compared with where there is no account: takes as long and fits nothing. */
const NOBODY = { cost: COST, salt: Buffer.alloc(SALT_BYTES), hash: Buffer.alloc(HASH_BYTES) };

/**
 * Whether it is the password.
 * @param stored what `hashPassword` made; null, for an account that there isn't, costs the same and is never right
 * @returns `outdated`: right, but stored at less than today's cost, so hash it anew
 * @throws Unavailable when too many wait for theirs
 */
export async function verifyPassword(
  password: string,
  stored: string | null,
  rank: Rank = "stranger",
): Promise<{ right: boolean; outdated: boolean }> {
  const { cost, salt, hash } = stored === null ? NOBODY : parse(stored);
  const found = await derive(password, salt, cost, rank);
  const right = found.length === hash.length && timingSafeEqual(found, hash) && stored !== null;
  return { right, outdated: right && (cost.ln < COST.ln || cost.r < COST.r || cost.p < COST.p) };
}
