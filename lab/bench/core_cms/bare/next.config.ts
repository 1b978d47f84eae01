import type { NextConfig } from "next";

/** What Core CMS sets too, so that neither compresses what Caddy compresses and neither image holds what only a build needs. */
const config: NextConfig = {
  output: "standalone",
  outputFileTracingRoot: __dirname,
  outputFileTracingExcludes: {
    "*": ["node_modules/sharp/**", "node_modules/@img/**", "node_modules/typescript/**"],
  },
  images: { unoptimized: true },
  compress: false,
};

export default config;
