import { describe, expect, it } from "vitest";
import { hashPassword, type Rank, verifyPassword } from "@/lib/password";
import { passwordProblem } from "@/lib/password-rules";
import { Unavailable } from "@/lib/process";

const CHEAP = { ln: 4, r: 8, p: 1 };
/** The hash at next to no cost. */
const cheap = (password: string, rank?: Rank) => hashPassword(password, rank, CHEAP);
const EMAIL = "gildong.hong@example.com";

describe("a password that somebody chooses", () => {
  it.each([
    "correct horse battery staple",
    "아침마다 커피 두 잔",
    "🦊🐻🐼🐨🐯🦁🐮🐷🐸🐵",
    "password of my own dog",
    "x9!kQ2#vLm",
  ])("may be %s", (password) => expect(passwordProblem(password, EMAIL)).toBeNull());

  it.each([
    ["password-short", "nine char"],
    ["password-short", "🦊🐻🐼🐨🐯"],
    ["password-long", "long enough ".repeat(20)],
    ["password-common", "aaaaaaaaaaaa"],
    ["password-common", "ababababab"],
    ["password-common", "1234567890"],
    ["password-common", "9876543210"],
    ["password-common", "abcdefghijkl"],
    ["password-common", "Password12"],
    ["password-common", "QWERTYUIOP1"],
    ["password-common", "ｐａｓｓｗｏｒｄ１２"],
    ["password-common", "gildong.hong1!"],
  ])("is %s as %s", (problem, password) => expect(passwordProblem(password, EMAIL)).toBe(problem));

  it("may have the letters of a short name, which are in every other word", () =>
    expect(passwordProblem("blue banana boat", "an@example.com")).toBeNull());
});

describe("a stored password", () => {
  it("is right for itself, however the keyboard composed it, and for nothing else", async () => {
    const stored = await cheap("비밀 암호 café");
    expect((await verifyPassword("비밀 암호 café".normalize("NFD"), stored)).right).toBe(true);
    expect((await verifyPassword("비밀 암호 cafe", stored)).right).toBe(false);
    expect((await verifyPassword("", stored)).right).toBe(false);
  });

  it("differs from another of the same password, and has the cost that it was made at", async () => {
    const [one, other] = [await cheap("the same"), await hashPassword("the same")];
    expect(one).toMatch(/^\$scrypt\$ln=4,r=8,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
    expect(other).toMatch(/^\$scrypt\$ln=15,r=8,p=3\$/);
    expect(other.length).toBeLessThan(200);
    expect(await cheap("the same")).not.toBe(one);
  });

  it("is outdated when it was made at less than today's cost, and only if it is right", async () => {
    const old = await cheap("an old one");
    expect(await verifyPassword("an old one", old)).toEqual({ right: true, outdated: true });
    expect(await verifyPassword("another", old)).toEqual({ right: false, outdated: false });
    const recent = await hashPassword("a new one");
    expect(await verifyPassword("a new one", recent)).toEqual({ right: true, outdated: false });
  });

  it("that isn't there is never right", async () =>
    expect((await verifyPassword("", null)).right).toBe(false));

  it("of another kind is an error, not a wrong password", () =>
    expect(verifyPassword("x", "$2b$12$abcdefghijklmnopqrstuv")).rejects.toThrow("no scrypt of ours"));

  it("of somebody known is computed before those of all strangers, and finds a place of its own to wait", async () => {
    const done: Rank[] = [];
    const each = (rank: Rank) => cheap("all together now", rank).then(() => done.push(rank));
    const all = [...Array(23).fill("stranger"), "known", "known"].map(each);
    const answers = (await Promise.allSettled(all)).map(({ status }) => status);
    expect(answers.slice(22)).toEqual(["rejected", "fulfilled", "fulfilled"]);
    // Two strangers were under way, and few more may have ended while one of these was.
    expect(done.lastIndexOf("known")).toBeLessThan(10);
  });

  it("is computed for two at once, twenty wait, and who comes later is told to come back", async () => {
    const all = await Promise.allSettled(Array.from({ length: 30 }, () => cheap("all together now")));
    const refused = all.filter((each) => each.status === "rejected");
    expect(refused).toHaveLength(8);
    for (const { reason } of refused) expect(reason).toBeInstanceOf(Unavailable);
    await expect(cheap("and then")).resolves.toMatch(/^\$scrypt/);
  });
});
