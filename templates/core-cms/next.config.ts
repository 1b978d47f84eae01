import type { NextConfig } from "next";
import createNextIntlPlugin from "next-intl/plugin";

const everywhere = [
  { key: "X-Content-Type-Options", value: "nosniff" },
  { key: "X-Frame-Options", value: "DENY" },
  { key: "Referrer-Policy", value: "strict-origin-when-cross-origin" },
  { key: "Permissions-Policy", value: "camera=(), geolocation=(), microphone=()" },
  { key: "Cross-Origin-Opener-Policy", value: "same-origin" },
];

const apiPolicy = { key: "Content-Security-Policy", value: "default-src 'none'; frame-ancestors 'none'" };

const config: NextConfig = {
  output: "standalone",
  outputFileTracingRoot: __dirname,
  // Pictures come from the bucket as they are, so sharp and its native libraries stay out of the image, and so does
  // the compiler, which Next.js needs for a build only.
  outputFileTracingExcludes: {
    "*": ["node_modules/sharp/**", "node_modules/@img/**", "node_modules/typescript/**"],
  },
  images: { unoptimized: true },
  serverExternalPackages: ["@redis/client", "prom-client"],
  // Caddy compresses; doing it here as well would hold back server-sent events.
  compress: false,
  poweredByHeader: false,
  // The root file system is read-only in production.
  experimental: { isrFlushToDisk: false },
  async headers() {
    return [
      { source: "/:path*", headers: everywhere },
      { source: "/api/:path*", headers: [apiPolicy] },
    ];
  },
};

export default createNextIntlPlugin("./src/i18n/request.ts")(config);
