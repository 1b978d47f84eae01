import { createHash } from "node:crypto";

/** Size and SHA-256 of a body, taken as it arrives: never more of it in memory than one chunk. */
export async function digestOf(body: ReadableStream<Uint8Array> | null) {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of body ?? []) {
    hash.update(chunk);
    bytes += chunk.byteLength;
  }
  return { bytes, sha256: hash.digest("hex") };
}
