import { expect, it } from "vitest";
import { boundedInt, isUnreachable, messageOf, retry, singleton, within } from "@/lib/process";

it("keeps one instance of a name", () => {
  expect(singleton("test", () => ({}))).toBe(singleton("test", () => ({})));
});

it("gives up on work that takes too long, naming it", async () => {
  await expect(within(10, "Redis", new Promise(() => {}))).rejects.toThrow(
    "Redis did not answer within 10 ms",
  );
  expect(await within(1_000, "Redis", Promise.resolve(1))).toBe(1);
});

it("retries what may be not up yet, and nothing else", async () => {
  const refused = Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
  expect(isUnreachable(new TypeError("fetch failed", { cause: refused }))).toBe(true);
  expect(isUnreachable(Object.assign(new Error("no such role"), { code: "28P01" }))).toBe(false);
  let tries = 0;
  const third = async () => {
    tries += 1;
    if (tries < 3) throw refused;
    return tries;
  };
  const patience = { forMs: 1_000, everyMs: 1, retryable: isUnreachable };
  expect(await retry(third, patience)).toBe(3);
  await expect(retry(() => Promise.reject(new Error("no such role")), patience)).rejects.toThrow(
    "no such role",
  );
  await expect(retry(() => Promise.reject(refused), { ...patience, forMs: 5 })).rejects.toThrow("refused");
});

it("says what went wrong even when the error has no message", () => {
  const unnamed = Object.assign(new AggregateError([]), { code: "ECONNREFUSED" });
  expect([unnamed, "text", new Error("m")].map(messageOf)).toEqual(["ECONNREFUSED", "text", "m"]);
});

it("keeps numbers within bounds", () => {
  const values = [null, "", "5", "-1", "99", "x", "1.5"].map((text) => boundedInt(text, 3, 0, 10));
  expect(values).toEqual([3, 3, 5, 0, 10, 3, 3]);
});
