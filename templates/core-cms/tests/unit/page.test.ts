import { describe, expect, it } from "vitest";
import { chosenLocale } from "@/i18n/locale";
import { pagePolicy } from "@/lib/csp";
import { routeOf } from "@/lib/metrics";
import en from "@/messages/en.json";
import ko from "@/messages/ko.json";

describe("a page's policy", () => {
  it("lets pictures come from the public bucket and uploads go there, and nothing else go anywhere", () => {
    const policy = pagePolicy("n0", {
      MINIO_PUBLIC_ENDPOINT: "https://s3.lab.test/x",
      MINIO_ENDPOINT: "http://a:9",
    });
    expect(policy).toContain("img-src 'self' blob: https://s3.lab.test;");
    expect(policy).toContain("connect-src 'self' https://s3.lab.test;");
    expect(policy).toContain("script-src 'self' 'nonce-n0' 'strict-dynamic';");
    expect(policy).not.toContain("unsafe");
  });

  it("cannot be extended through the bucket's address", () => {
    expect(pagePolicy("n0", { MINIO_ENDPOINT: "https://a; script-src *" })).toContain(
      "img-src 'self' blob:;",
    );
  });
});

describe("metrics", () => {
  it("label any path with one of a fixed set", () => {
    const paths = ["/api/items/17?x=1", "/", "/_next/static/a.js", "/.env", "/api/itemsx", "/dashboard"];
    expect(paths.map(routeOf)).toEqual(["/api/items", "/", "/_next", "other", "other", "/dashboard"]);
  });
});

describe("the language", () => {
  it.each([
    [undefined, null, "en"],
    [undefined, "ko-KR,ko;q=0.9,en;q=0.8", "ko"],
    [undefined, "de,en;q=0.5,ko;q=0.7", "ko"],
    [undefined, "ko;q=0", "en"],
    ["en", "ko", "en"],
    ["<script>", "ko", "ko"],
    [undefined, ";;;,=,q=1;q=x", "en"],
  ])("of cookie %s and browser %s is %s", (cookie, header, locale) => {
    expect(chosenLocale(cookie, header)).toBe(locale);
  });

  it("has the same words, with the same places to fill, in both", () => {
    const flat = (value: object, at = ""): [string, string][] =>
      Object.entries(value).flatMap(([key, each]) =>
        typeof each === "string" ? [[`${at}${key}`, each]] : flat(each, `${at}${key}.`),
      );
    const places = (text: string) => [...text.matchAll(/\{(\w+)/g)].map(([, name]) => name).sort();
    const said = (messages: object) => flat(messages).map(([key, text]) => [key, places(text)]);
    expect(said(ko)).toEqual(said(en));
  });
});
