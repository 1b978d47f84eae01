/** The image's commands as processes, in folders of their own with migrations of their own. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { temporaryFolder } from "./folders";

const ROOT = process.cwd();
const TOOLS = join(ROOT, ".next", "tools");

/** Bundles them as `npm run build` does. */
export const buildTools = (): void => {
  execFileSync(process.execPath, [join(ROOT, "scripts", "tools.mjs")], { stdio: "inherit" });
};

/** A folder like the image's /app, with these migrations; without any: with the template's own. */
export function appFolder(migrations?: Record<string, string>): string {
  const folder = temporaryFolder();
  const target = join(folder, "prisma", "migrations");
  if (!migrations) cpSync(join(ROOT, "prisma", "migrations"), target, { recursive: true });
  mkdirSync(target, { recursive: true });
  writeFileSync(join(target, "migration_lock.toml"), 'provider = "postgresql"\n');
  for (const [name, sql] of Object.entries(migrations ?? {})) putMigration(folder, name, sql);
  return folder;
}

export function putMigration(folder: string, name: string, sql: string): void {
  mkdirSync(join(folder, "prisma", "migrations", name), { recursive: true });
  writeFileSync(join(folder, "prisma", "migrations", name, "migration.sql"), sql);
}

export interface Done {
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
}

export interface Running {
  child: ChildProcess;
  done: Promise<Done>;
}

export function begin(
  tool: "migrate" | "invite",
  args: string[],
  env: Record<string, string>,
  cwd = tmpdir(),
): Running {
  // On Node 20 the S3 client warns of next year; the image has a newer one.
  const whole = { PATH: process.env.PATH, NODE_ENV: "production" as const, NODE_NO_WARNINGS: "1", ...env };
  const child = spawn(process.execPath, [join(TOOLS, `${tool}.cjs`), ...args], { cwd, env: whole });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const done = once(child, "close").then(([code, signal]) => ({ code, signal, stdout, stderr }));
  return { child, done };
}

export const run = (...how: Parameters<typeof begin>): Promise<Done> => begin(...how).done;

/** The lines of a log; throws if one is no JSON. */
export const lines = (text: string): Record<string, unknown>[] =>
  text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));

/** What the last line gives as the cause. */
export const causeOf = (text: string): string => String(lines(text).at(-1)?.cause);
