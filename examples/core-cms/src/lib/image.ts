import { createHash } from "node:crypto";

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

const escapeXml = (text: string) => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);

/** A picture for an item, as SVG: its first letter on a gradient whose colours follow from its slug. */
export function itemImage(slug: string, name: string): string {
  const hue = (createHash("sha256").update(slug).digest()[0] ?? 0) * 1.4;
  const letter = escapeXml([...name.replace(/^The /, "")][0] ?? "?");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 300" role="img">
<title>${escapeXml(name)}</title>
<defs><linearGradient id="g" x2="1" y2="1"><stop stop-color="hsl(${hue} 60% 55%)"/>
<stop offset="1" stop-color="hsl(${hue + 50} 65% 35%)"/></linearGradient></defs>
<rect width="400" height="300" fill="url(#g)"/>
<text x="200" y="200" font-family="sans-serif" font-size="140" fill="#fff" text-anchor="middle">${letter}</text>
</svg>
`;
}
