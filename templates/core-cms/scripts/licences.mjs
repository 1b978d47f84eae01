/**
 * Lists the licences of what the image may hold, by npm's own bill of materials; fails for one that wasn't looked at.
 *
 *   npm run licences
 */
import { execFileSync } from "node:child_process";

const TAKEN = new Set(["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC-BY-4.0", "ISC", "MIT"]);
/** Optional to Next.js, and kept out of the image by next.config.ts. */
const LEFT_OUT = /^(sharp|@img\/.*)$/;

const options = ["sbom", "--sbom-format", "cyclonedx", "--omit", "dev", "--package-lock-only"];
const { components } = JSON.parse(execFileSync("npm", options, { encoding: "utf8", maxBuffer: 1 << 26 }));

/** The names in a component's licences; `unknown` where it names none. */
function licencesOf({ licenses = [] }) {
  const names = licenses.flatMap(
    ({ license, expression }) => expression ?? license?.id ?? license?.name ?? [],
  );
  return names.length > 0
    ? names.flatMap((name) => name.split(/ (?:AND|OR) |[()]/)).filter(Boolean)
    : ["unknown"];
}

const byLicence = new Map();
for (const component of components.filter(({ name }) => !LEFT_OUT.test(name))) {
  const said = licencesOf(component).sort().join(" and ");
  byLicence.set(said, [...(byLicence.get(said) ?? []), `${component.name}@${component.version}`]);
}
for (const [said, packages] of [...byLicence].sort()) {
  process.stdout.write(`${said} (${packages.length})\n  ${packages.sort().join("\n  ")}\n`);
}
const refused = [...byLicence.keys()].filter((said) => !said.split(" and ").every((name) => TAKEN.has(name)));
if (refused.length > 0) {
  process.stderr.write(
    `not looked at yet: ${refused.join(", ")}. Read it, then add it in scripts/licences.mjs\n`,
  );
  process.exit(1);
}
