/** The policy of a page: own scripts by nonce, images also from where the bucket is served. */
export function pagePolicy(nonce: string, env: Record<string, string | undefined>): string {
  const origin = URL.parse(env.MINIO_PUBLIC_ENDPOINT || env.MINIO_ENDPOINT || "")?.origin ?? "";
  return [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic'`,
    "style-src 'self'",
    `img-src 'self' ${origin}`.trim(),
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");
}
