import { existsSync, writeFileSync } from "node:fs";
import { expect, type Page, test } from "@playwright/test";
import { invitation, signUp } from "./guest";

/** Until this file is there somebody clicks on; what he met is written to it with `.seen` behind its name. */
const until = process.env.E2E_UNTIL ?? "";

interface Seen {
  clicks: number;
  versions: string[];
  wrong: string[];
}

/** Whatever a browser asks is answered, and by no error; a stream of events may be cut off. */
function watch(page: Page, seen: Seen): void {
  page.on("response", (answer) => {
    if (answer.status() >= 400) seen.wrong.push(`${answer.status()} ${answer.url()}`);
  });
  page.on("pageerror", (error) => seen.wrong.push(error.message));
}

/** One round: reads the list, changes an entry, looks at it as visitors do. */
async function round(page: Page, name: string, text: string): Promise<void> {
  await page.goto("/dashboard");
  await page.getByRole("link", { name, exact: true }).click();
  await page.getByLabel("Summary").fill(text);
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByText("Saved.").first()).toBeVisible();
  await page.goto("/");
  await expect(page.getByText(text)).toBeVisible();
}

test("a signed-in user clicks on through releases, and meets nothing of them", async ({ page }, info) => {
  test.skip(
    until === "" || info.project.name !== "desktop",
    "needs E2E_UNTIL, and somebody who releases meanwhile",
  );
  test.setTimeout(1_800_000);
  const seen: Seen = { clicks: 0, versions: [], wrong: [] };
  await signUp(page, invitation(0, info));
  await page.getByRole("link", { name: "New entry" }).click();
  const name = `Under way ${Date.now()}`;
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Category").fill("Tests");
  await page.getByLabel("Summary").fill("Begins");
  await page.getByRole("button", { name: "Publish" }).click();
  await expect(page).toHaveURL(/\/items\/\d+$/);
  watch(page, seen);
  while (!existsSync(until)) {
    seen.clicks += 1;
    await round(page, name, `Round ${seen.clicks} of ${name}`);
    const { version } = await page.evaluate(async () => (await fetch("/api/health")).json());
    if (seen.versions.at(-1) !== version) seen.versions.push(version);
    writeFileSync(`${until}.seen`, JSON.stringify(seen));
  }
  expect(seen.wrong).toEqual([]);
});
