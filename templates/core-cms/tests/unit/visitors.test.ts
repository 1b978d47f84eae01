import { beforeAll, describe, expect, it, vi } from "vitest";
import { limitedAddress, visitorAddress } from "@/lib/address";
import { cookieName, cookieOptions } from "@/lib/cookies";
import { knownDevice, rememberedDevice } from "@/lib/device";
import { limit } from "@/lib/limits";
import { ownPath, pageNumber, pageOf } from "@/lib/paths";
import { same, sign } from "@/lib/sign";
import { signInLimits } from "@/lib/sign-in";

beforeAll(() => {
  vi.stubEnv("NEXTAUTH_URL", "https://food.example.com");
  vi.stubEnv("NEXTAUTH_SECRET", "a secret of sixteen or more");
  vi.stubEnv("DATABASE_URL", "postgresql://demo@127.0.0.1/none");
});

const from = (value: string) => visitorAddress(new Headers(value ? { "x-forwarded-for": value } : {}));

describe("the visitor's address", () => {
  it.each([
    ["203.0.113.9", "203.0.113.9"],
    ["203.0.113.9", "10.0.0.1, evil, 203.0.113.9"],
    ["203.0.113.9", "::ffff:203.0.113.9"],
    ["2001:db8::1", "198.51.100.1,2001:DB8::1"],
    ["unknown", "203.0.113.9, evil'; DROP TABLE users"],
    ["unknown", "fe80::1%eth0"],
    ["unknown", ""],
  ])("is %s of %j: only what the edge wrote last counts", (address, header) =>
    expect(from(header)).toBe(address),
  );

  it.each([
    ["203.0.113.9", "203.0.113.9"],
    ["2001:db8:1:2::/64", "2001:db8:1:2:3:4:5:6"],
    ["2001:db8:1:2::/64", "2001:0db8:0001:0002::9"],
    ["2001:db8:0:0::/64", "2001:db8::1"],
    ["0:0:0:0::/64", "::1"],
    ["unknown", "unknown"],
  ])("counts as %s for %s", (counted, address) => expect(limitedAddress(address)).toBe(counted));
});

describe("where to go after signing in", () => {
  it.each([
    ["/dashboard/users", "/dashboard/users"],
    ["/items/a?page=2#top", "/items/a?page=2#top"],
    ["/%2F/elsewhere", "/%2F/elsewhere"],
    ["/dashboard", undefined],
    ["/dashboard", ["/a", "/b"]],
    ["/dashboard", ""],
    ["/dashboard", "dashboard"],
    ["/dashboard", "https://evil.example"],
    ["/dashboard", "//evil.example"],
    ["/dashboard", "/\\evil.example"],
    ["/dashboard", "\\\\evil.example"],
    ["/dashboard", "/\t/evil.example"],
    ["/dashboard", "/.//evil.example"],
    ["/dashboard", "/a/..//evil.example"],
    ["/dashboard", "javascript:alert(1)"],
    ["/dashboard", " /dashboard/users"],
    ["/dashboard", "/api/auth/signout"],
    ["/dashboard", "/login?callbackUrl=/login"],
  ])("is %s for %j", (path, wanted) => expect(ownPath(wanted)).toBe(path));
});

it.each([
  [1, undefined],
  [1, "0"],
  [1, "-3"],
  [100_000, "1e99"],
  [1, "2.5"],
  [1, ["2", "3"]],
  [7, "7"],
])("page %d is shown for %j", (page, text) => expect(pageNumber(text)).toBe(page));

it.each([
  [1, 0, { page: 1, pages: 1, skip: 0 }],
  [2, 21, { page: 2, pages: 2, skip: 20 }],
  [100_000, 40, { page: 2, pages: 2, skip: 20 }],
])("asked for page %d of %d rows, twenty a page, it is %j", (wanted, total, page) =>
  expect(pageOf(wanted, total, 20)).toEqual(page),
);

describe("a signature", () => {
  it("is of one purpose and of its parts as they are", () => {
    expect(sign("a", "b", "c")).toBe(sign("a", "b", "c"));
    const others = [sign("b", "b", "c"), sign("a", "bc"), sign("a", "b", "c", ""), sign("a", "c", "b")];
    expect(others).not.toContain(sign("a", "b", "c"));
  });

  it("is the same as itself only", () => {
    expect(same("abc", "abc")).toBe(true);
    expect(same("abc", "abd")).toBe(false);
    expect(same("abc", "ab")).toBe(false);
  });
});

describe("limits", () => {
  it("are kept under a key that names nobody", () => {
    const { key } = limit("sign-in-pair", ["kim@example.com", "203.0.113.9"], 5, 900);
    expect(key).toMatch(/^limit:sign-in-pair:[\w-]{43}$/);
    expect(key).not.toBe(limit("sign-in-pair", ["kim@example.com", "203.0.113.8"], 5, 900).key);
    expect(key).not.toBe(limit("sign-in-pair", ["lee@example.com", "203.0.113.9"], 5, 900).key);
  });

  const names = (device: string | undefined) =>
    signInLimits("kim@example.com", { address: "203.0.113.9", device }).map(({ key }) => key.split(":")[1]);

  it("of a stranger are by account and address, by address and by account", () =>
    expect(names(undefined)).toEqual(["sign-in-pair", "sign-in-address", "sign-in-account"]));

  it("of a browser that the account knows are its own", () =>
    expect(names(rememberedDevice(undefined, "kim@example.com"))).toEqual(["sign-in-device"]));

  it("of a browser that another account knows are a stranger's", () =>
    expect(names(rememberedDevice(undefined, "lee@example.com"))).toHaveLength(3));
});

describe("a browser that is known again", () => {
  it("is known to the accounts that were signed in to by it, four at most, the last first", () => {
    const accounts = ["a", "b", "c", "d", "e"].map((name) => `${name}@example.com`);
    const cookie = accounts.reduce<string | undefined>(rememberedDevice, undefined);
    expect(accounts.map((each) => knownDevice(cookie, each) !== null)).toEqual([
      false,
      true,
      true,
      true,
      true,
    ]);
    const ids = new Set(accounts.slice(1).map((each) => knownDevice(cookie, each)));
    expect(ids.size).toBe(1);
  });

  it("isn't known by a mark that somebody made up or took from another browser", () => {
    const [mine = "", mark = ""] = rememberedDevice(undefined, "kim@example.com").split(".");
    const other = rememberedDevice(undefined, "kim@example.com").split(".")[0];
    expect(knownDevice(`${mine}.${mark}`, "kim@example.com")).toBe(mine);
    for (const forged of [`${other}.${mark}`, `${mine}.`, mine, `${mine}.${"A".repeat(43)}`, "", undefined]) {
      expect(knownDevice(forged, "kim@example.com")).toBeNull();
    }
  });
});

it("cookies are bound to https and to this host where the app is reached so", () => {
  expect(cookieName("device")).toBe("__Host-device");
  expect(cookieOptions()).toEqual({ httpOnly: true, sameSite: "lax", path: "/", secure: true });
});
