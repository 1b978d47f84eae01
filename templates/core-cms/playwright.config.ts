import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { defineConfig, devices } from "@playwright/test";

const NAMES = ["chromium", "chromium-headless-shell", "chromium-browser", "google-chrome"];
const FOLDERS = (process.env.PATH ?? "").split(delimiter);

/** A Chromium of the machine's, since browsers aren't in the package registry; undefined: Playwright's own, if it is there. */
const executablePath =
  process.env.CHROMIUM ||
  NAMES.flatMap((name) => FOLDERS.map((folder) => join(folder, name))).find((path) => existsSync(path));

/**
 * Against E2E_URL, an app that is deployed; without it the built app with services of its own. E2E_RESOLVE names where hosts
 * are (`MAP *.lab.test 10.77.0.2`), of which certificates aren't looked at then: they are of a CA that browsers don't know.
 */
const resolve = process.env.E2E_RESOLVE;
const args = ["--no-sandbox", "--disable-gpu", ...(resolve ? [`--host-resolver-rules=${resolve}`] : [])];

const common = {
  launchOptions: { executablePath, args },
  locale: "en-GB",
  ignoreHTTPSErrors: Boolean(resolve),
};

export default defineConfig({
  testDir: "tests/e2e",
  globalSetup: "./tests/e2e/setup.ts",
  outputDir: "test-results",
  workers: 1,
  retries: 0,
  timeout: 90_000,
  expect: { timeout: 15_000 },
  reporter: "list",
  use: { baseURL: process.env.E2E_URL ?? "http://localhost:3000", trace: "retain-on-failure" },
  projects: [
    { name: "desktop", use: { ...devices["Desktop Chrome"], ...common } },
    { name: "phone", use: { ...devices["Pixel 7"], ...common, viewport: { width: 360, height: 740 } } },
  ],
});
