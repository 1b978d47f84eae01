import { AwsClient } from "aws4fetch";
import { app } from "./app";
import type { StorageConfig } from "./config";
import { singleton } from "./utils";

/** Validity of a signed URL. */
export const SIGNED_SECONDS = 3_600;

const objectUrl = (endpoint: string, bucket: string, key: string) =>
  new URL(`/${bucket}/${key.split("/").map(encodeURIComponent).join("/")}`, endpoint);

export interface Storage {
  put(key: string, body: string, contentType: string): Promise<void>;
  /** Resolves if the object can be read with our keys. */
  check(key: string, signal: AbortSignal): Promise<void>;
  /** A URL that anyone may download the object from for one hour. Made without asking the server. */
  signedUrl(key: string): Promise<string>;
}

/** One bucket over the S3 protocol, with keys that may be limited to its objects. */
export function makeStorage(config: StorageConfig): Storage {
  const { endpoint, publicEndpoint, region, bucket, accessKey, secretKey } = config;
  const client = new AwsClient({
    accessKeyId: accessKey,
    secretAccessKey: secretKey,
    service: "s3",
    region,
    retries: 0,
  });

  async function send(key: string, init: RequestInit): Promise<void> {
    const request = await client.sign(objectUrl(endpoint, bucket, key), init);
    const answer = await fetch(request, { cache: "no-store" });
    await answer.body?.cancel();
    if (!answer.ok) throw new Error(`storage answered ${answer.status} to ${init.method} ${bucket}/${key}`);
  }

  return {
    put: (key, body, contentType) =>
      send(key, { method: "PUT", body, headers: { "Content-Type": contentType } }),
    check: (key, signal) => send(key, { method: "HEAD", signal }),
    signedUrl: async (key) => {
      const url = objectUrl(publicEndpoint, bucket, key);
      url.searchParams.set("X-Amz-Expires", String(SIGNED_SECONDS));
      return (await client.sign(url, { method: "GET", aws: { signQuery: true } })).url;
    },
  };
}

/** The process's bucket; null where the platform gives none. */
export function storage(): Storage | null {
  return singleton("storage", () => {
    const { storage: config } = app().config;
    return config && makeStorage(config);
  });
}
