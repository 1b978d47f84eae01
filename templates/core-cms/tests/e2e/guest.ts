import { AxeBuilder } from "@axe-core/playwright";
import { expect, type Page, type TestInfo } from "@playwright/test";

export const PASSWORD = "a sentence that is easy to remember";

/** Invitations are used up one by one; each test of each project takes its own. */
export function invitation(number: number, { project }: TestInfo): string {
  const links = (process.env.E2E_INVITES ?? "").split("\n").filter(Boolean);
  const found = links[number + (project.name === "phone" ? links.length / 2 : 0)];
  if (!found) throw new Error("E2E_INVITES has too few links");
  return found;
}

/** Signs up by an invitation, with the keyboard alone; ends on the dashboard. Returns the address. */
export async function signUp(page: Page, link: string): Promise<string> {
  await page.goto(link);
  await expect(page.getByLabel("E-mail address")).toHaveValue(/@/);
  const email = await page.getByLabel("E-mail address").inputValue();
  await page.getByLabel("Name").fill("Guest of the tests");
  await page.keyboard.press("Tab");
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page).toHaveURL(/\/dashboard$/);
  return email;
}

/** Nothing that keeps people out, by axe's rules for WCAG 2.2 A and AA. */
export async function accessible(page: Page): Promise<void> {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const { violations } = await new AxeBuilder({ page }).withTags(tags).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`)).toEqual([]);
}

/** A phone's width must not be scrolled sideways. */
export async function fits(page: Page): Promise<void> {
  const { wide, seen } = await page.evaluate(() => ({
    wide: document.documentElement.scrollWidth,
    seen: document.documentElement.clientWidth,
  }));
  expect(wide).toBeLessThanOrEqual(seen);
}
