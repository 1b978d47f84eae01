import { describe, expect, it } from "vitest";
import en from "@/messages/en.json";
import ko from "@/messages/ko.json";
import {
  invitationForm,
  inviteForm,
  localeForm,
  passwordForm,
  registerForm,
  signInForm,
  userChange,
} from "@/types/account-forms";

const GOOD = { email: "Kim@Example.com ", name: " Kim ", password: "a sentence of mine" };

/** What a form says of a value, by field. */
function problems(value: unknown): Record<string, string> {
  const found = registerForm.safeParse(value);
  const issues = found.success ? [] : found.error.issues;
  return Object.fromEntries(issues.map((issue) => [issue.path.join(".") || "body", issue.message]));
}

describe("who registers", () => {
  it("is stored by an address in small letters and a name without spaces around", () =>
    expect(registerForm.parse(GOOD)).toEqual({
      email: "kim@example.com",
      name: "Kim",
      password: "a sentence of mine",
    }));

  const hostile: [string, unknown][] = [
    ["nothing", undefined],
    ["a number", 7],
    ["a list", ["kim@example.com"]],
    ["an object", { $ne: null }],
    ["true", true],
    ["a text that is too long", `${"x".repeat(3_000)}@example.com`],
    ["a NUL", "kim\0@example.com"],
    ["half a character", "\ud83d@example.com"],
  ];
  it.each(hostile)("can't be %s in any field", (_, value) => {
    for (const field of ["email", "name", "password"]) {
      const wrong = { ...GOOD, [field]: value };
      if (field === "password" && typeof value === "string" && value.includes("\0")) continue;
      expect(Object.keys(problems(wrong)), field).toEqual([field]);
    }
  });

  it.each([
    "kim",
    "kim@",
    "@example.com",
    "kim@example",
    "a b@example.com",
    "kim@example.com\nBcc: all@example.com",
    "<b>kim</b>@example.com",
  ])("has no address such as %j", (email) =>
    expect(problems({ ...GOOD, email })).toEqual({ email: "email" }),
  );

  it.each(["a\nb", "a\u202eb", "a\u0000b", "a\ud800b", "a\u200eb", "a\u061cb", "a\u200bb", "a\u2028b"])(
    "has no name such as %j",
    (name) => expect(problems({ ...GOOD, name })).toEqual({ name: "characters" }),
  );

  it.each(["\u2800", "\u3164", " \u200d ", "\u00ad"])("has a name to be seen, not %j", (name) =>
    expect(problems({ ...GOOD, name })).toEqual({ name: "required" }),
  );

  it.each(["<script>alert(1)</script>", "'; DROP TABLE users; --", "🦊 여우", "O'Brien"])(
    "may be called %s, which is only text",
    (name) => expect(problems({ ...GOOD, name })).toEqual({}),
  );

  it("brings no fields of his own", () => {
    const value = JSON.parse(`{"__proto__":{"role":"admin"},"constructor":1,"role":"admin"}`);
    expect(Object.keys(registerForm.parse({ ...GOOD, ...value })).sort()).toEqual([
      "email",
      "name",
      "password",
    ]);
  });

  it.each([null, [], "text", 7])("sends a form, not %j", (value) =>
    expect(problems(value)).toEqual({ body: "invalid" }),
  );
});

it("every message of a form is there in both languages", () => {
  const forms = [signInForm, registerForm, invitationForm, passwordForm, inviteForm, userChange, localeForm];
  const long = "x".repeat(5_000);
  const values = [
    null,
    {},
    {
      email: long,
      name: long,
      password: long,
      current: long,
      invitation: long,
      role: 7,
      locale: 7,
      disabled: 7,
    },
  ];
  const said = forms.flatMap((form) =>
    values.flatMap((value) => form.safeParse(value).error?.issues.map(({ message }) => message) ?? []),
  );
  const own = [
    "taken",
    "invitation",
    "last-admin",
    "self",
    "password-wrong",
    "password-same",
    "password-common",
    "characters",
    "wait",
  ];
  expect(said.length).toBeGreaterThan(15);
  for (const key of [...said, ...own]) {
    expect(Object.keys(en.errors), key).toContain(key);
    expect(Object.keys(ko.errors), key).toContain(key);
  }
});

it.each([{}, { role: "admin", disabled: true }, { role: "owner" }, { disabled: "yes" }, { role: null }])(
  "an account isn't changed by %j",
  (change) => expect(userChange.safeParse(change).success).toBe(false),
);
