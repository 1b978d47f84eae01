import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

it("Next.js reports to nobody, wherever it runs", () => {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Record<string, string> };
  const commands = Object.values(scripts).flatMap((script) => script.split(" && "));
  const calls = commands.filter((command) => /\bnext (?:build|dev|start|typegen)\b/.test(command));
  expect(calls.length).toBeGreaterThan(0);
  for (const call of calls) expect(call).toMatch(/^NEXT_TELEMETRY_DISABLED=1 /);
  expect(readFileSync("Dockerfile", "utf8")).toMatch(/^ENV NEXT_TELEMETRY_DISABLED=1$/m);
  expect(readFileSync("scripts/dev.ts", "utf8")).toContain('NEXT_TELEMETRY_DISABLED: "1"');
});
