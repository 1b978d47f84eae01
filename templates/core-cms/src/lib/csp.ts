/**
 * The policy of a page: scripts by nonce, pictures from where the bucket is served, which uploads go to as well.
 * @param development Next.js's own tools evaluate code and speak by a WebSocket while one develops
 */
export function pagePolicy(
  nonce: string,
  env: Record<string, string | undefined>,
  development = false,
): string {
  const bucket = URL.parse(env.MINIO_PUBLIC_ENDPOINT || env.MINIO_ENDPOINT || "")?.origin ?? "";
  return [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic'${development ? " 'unsafe-eval'" : ""}`,
    `style-src 'self' ${development ? "'unsafe-inline'" : `'nonce-${nonce}'`}`,
    `img-src 'self' blob: ${bucket}`.trim(),
    `connect-src 'self' ${bucket}${development ? " ws:" : ""}`.trim(),
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");
}
