/**
 * One object of the project's bucket by S3's protocol: put there at the start, asked for by each health check.
 *
 * Requests are signed as https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html says.
 */
import { createHash, createHmac } from "node:crypto";

const OBJECT = "probe.txt";
const REQUEST_MS = 400;
const PUT_MS = 5_000;

const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const hmac = (key, text) => createHmac("sha256", key).update(text).digest();

function signed(method, url, body, { MINIO_ACCESS_KEY, MINIO_SECRET_KEY, MINIO_REGION = "us-east-1" }) {
  const at = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  const sent = { host: url.host, "x-amz-content-sha256": sha256(body), "x-amz-date": at };
  const names = Object.keys(sent).join(";");
  const lines = Object.entries(sent).map(([name, value]) => `${name}:${value}\n`);
  const request = [method, url.pathname, "", lines.join(""), names, sha256(body)].join("\n");
  const parts = [at.slice(0, 8), MINIO_REGION, "s3", "aws4_request"];
  const text = ["AWS4-HMAC-SHA256", at, parts.join("/"), sha256(request)].join("\n");
  const signature = hmac(parts.reduce(hmac, `AWS4${MINIO_SECRET_KEY}`), text).toString("hex");
  const { host, ...headers } = sent;
  const credential = `${MINIO_ACCESS_KEY}/${parts.join("/")}`;
  const words = `Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`;
  return { ...headers, Authorization: `AWS4-HMAC-SHA256 ${words}` };
}

/** The bucket that the environment names, or null. Both calls reject when the server does not do what they ask. */
export function storageOf(env) {
  if (!env.MINIO_ENDPOINT) return null;
  const url = new URL(`/${env.MINIO_BUCKET}/${OBJECT}`, env.MINIO_ENDPOINT);
  async function send(method, body, ms) {
    const options = { method, headers: signed(method, url, body, env), signal: AbortSignal.timeout(ms) };
    const answer = await fetch(url, body ? { ...options, body } : options);
    await answer.arrayBuffer();
    if (!answer.ok) throw new Error(`storage answered ${answer.status} to ${method} ${url.pathname}`);
  }
  return { put: () => send("PUT", "here\n", PUT_MS), check: () => send("HEAD", "", REQUEST_MS) };
}
