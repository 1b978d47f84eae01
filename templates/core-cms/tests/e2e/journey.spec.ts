import { expect, test } from "@playwright/test";
import { picture } from "../../scripts/picture";
import { accessible, fits, invitation, PASSWORD, signUp } from "./guest";

test("somebody signs up, publishes with a picture, and everybody sees it at once", async ({
  page,
  browser,
}, info) => {
  const name = `The Blue Door ${Date.now()}`;
  const visitor = await (await browser.newContext()).newPage();
  await visitor.goto("/");
  await expect(visitor.locator("[data-live=true]")).toBeVisible();
  await expect(visitor.getByRole("heading", { name })).toHaveCount(0);

  await signUp(page, invitation(0, info));
  await page.getByRole("link", { name: "New entry" }).click();
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Category").fill("Bistro");
  await page.getByLabel("Summary").fill("Small plates, and a door that is always open.");
  const file = { name: "door.png", mimeType: "image/png", buffer: picture(name) };
  await page.getByLabel("Picture", { exact: true }).setInputFiles(file);
  await expect(page.getByRole("img", { name: "The picture of this entry" })).toBeVisible();
  await page.getByRole("button", { name: "Publish" }).click();
  await expect(page.getByRole("status").filter({ hasText: "Published." })).toBeVisible();

  await expect(visitor.getByRole("heading", { name }), "without a reload").toBeVisible();
  await visitor.getByRole("link", { name }).click();
  await expect(visitor.getByRole("heading", { level: 1, name })).toBeVisible();
  const shown = visitor.locator("main img").first();
  await expect.poll(() => shown.evaluate((img: HTMLImageElement) => img.naturalWidth)).toBeGreaterThan(0);
  const listed = await visitor.evaluate(async () => (await fetch("/api/restaurants")).json());
  expect(listed.restaurants.map((each: { name: string }) => each.name)).toContain(name);
  await visitor.context().close();
});

test("what somebody else changed meanwhile isn't overwritten unseen", async ({ page, context }, info) => {
  await signUp(page, invitation(1, info));
  await page.getByRole("link", { name: "New entry" }).click();
  const name = `Two Cooks ${Date.now()}`;
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Category").fill("Bistro");
  await page.getByLabel("Summary").fill("First");
  await page.getByRole("button", { name: "Save as draft" }).click();
  await expect(page).toHaveURL(/\/items\/\d+$/);
  const other = await context.newPage();
  await other.goto(page.url());
  await other.getByLabel("Summary").fill("Second");
  await other.getByRole("button", { name: "Save", exact: true }).click();
  await expect(other.getByText("Saved.")).toBeVisible();

  await page.getByLabel("Summary").fill("Third");
  await page.getByRole("button", { name: "Save", exact: true }).click();

  await expect(page.getByText("Somebody changed this entry meanwhile.")).toBeVisible();
  await expect(page.getByLabel("Summary"), "nothing that was typed is lost").toHaveValue("Third");
});

test("signing out ends the session everywhere, and signing in brings one back to the page", async ({
  page,
  context,
}, info) => {
  const email = await signUp(page, invitation(2, info));
  const cookies = await context.cookies();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
  await context.addCookies(cookies);
  await page.goto("/dashboard/account");
  await expect(page, "the old cookie is worth nothing").toHaveURL(/\/login\?callbackUrl=/);

  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill(`${PASSWORD}!`);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alert").filter({ hasText: /./ })).toBeVisible();
  await page.getByLabel("Password").fill(PASSWORD);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/dashboard\/account$/);
});

test("an account is changed by who says yes, and not by a touch of the list", async ({ page }, info) => {
  const email = await signUp(page, invitation(4, info));
  await page.goto("/dashboard/users");
  // A guest of the tests before this one.
  const other = page.getByRole("main").getByRole("listitem").filter({ hasNotText: email }).first();
  const role = other.getByRole("combobox");
  const asked = page.getByRole("dialog");
  const sent: string[] = [];
  page.on("request", (request) => request.method() === "PATCH" && sent.push(request.url()));
  await role.selectOption("editor");
  await expect(asked).toContainText("to Editor?");
  await accessible(page);
  await page.keyboard.press("Escape");
  await expect(asked).toBeHidden();
  await expect(role, "as it was").toHaveValue("admin");
  await other.getByRole("button", { name: /^Disable/ }).click();
  await asked.getByRole("button", { name: "Cancel" }).click();
  await expect(asked).toBeHidden();
  expect(sent).toEqual([]);
  for (const wanted of ["editor", "admin"]) {
    await role.selectOption(wanted);
    await asked.getByRole("button", { name: "Change the role" }).click();
    await expect(role).toHaveValue(wanted);
  }
  expect(sent).toHaveLength(2);
});

test("a link of an invitation that is none says so, and its token is sent to no log", async ({ page }) => {
  const seen: string[] = [];
  page.on("request", (request) => seen.push(request.url()));
  const token = "A".repeat(43);
  await page.goto(`/register#${token}`);
  await expect(page.getByRole("alert").filter({ hasText: /./ })).toContainText("not valid any more");
  expect(seen.join()).not.toContain(token);
});

test("both languages, and a visitor's choice is kept", async ({ page }) => {
  await page.goto("/");
  await expect(page.locator("html")).toHaveAttribute("lang", "en");
  await page.getByRole("button", { name: "한국어" }).click();
  await expect(page.locator("html")).toHaveAttribute("lang", "ko");
  await page.goto("/login");
  await expect(page.getByRole("heading", { name: "로그인" })).toBeVisible();
});

test("every page is for everybody: by axe's rules, and no wider than the screen", async ({ page }, info) => {
  await signUp(page, invitation(3, info));
  const inside = ["", "/items/new", "/users", "/audit", "/account"].map((path) => `/dashboard${path}`);
  for (const path of inside) {
    await page.goto(path);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await accessible(page);
    await fits(page);
  }
  await page.context().clearCookies();
  for (const path of ["/", "/?page=2", "/login", "/register", "/no-such-page"]) {
    await page.goto(path);
    await accessible(page);
    await fits(page);
  }
});

test("no page breaks its own policy", async ({ page }) => {
  const said: string[] = [];
  page.on("console", (message) => message.type() === "error" && said.push(message.text()));
  page.on("pageerror", (error) => said.push(error.message));
  for (const path of ["/", "/login", "/register"]) {
    const answer = await page.goto(path);
    expect(answer?.headers()["content-security-policy"]).toContain("'strict-dynamic'");
    await page.waitForLoadState("load");
  }
  expect(said).toEqual([]);
});
