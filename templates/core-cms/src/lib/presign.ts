import { createHash, createHmac } from "node:crypto";
import type { StorageConfig } from "./config";

const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/** As signatures want it (RFC 3986): nothing but letters, digits and -._~ stays as it is. */
const encoded = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

const ALGORITHM = "AWS4-HMAC-SHA256";

/**
 * Signs URLs by which anyone may GET an object, by AWS's Signature Version 4 in the query string
 * (docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html). A list has hundreds, and the SDK's own signer
 * takes a hundred times as long.
 */
export class Presigner {
  readonly #origin: string;
  readonly #host: string;
  readonly #base: string;
  #day = "";
  #key: Buffer = Buffer.alloc(0);

  /** @param path between host and key: S3's path style has the bucket there */
  constructor(
    private readonly to: Pick<StorageConfig, "publicEndpoint" | "region" | "accessKey" | "secretKey">,
    path: string,
  ) {
    const { host, origin, pathname } = new URL(to.publicEndpoint);
    this.#host = host;
    this.#base = `${pathname.replace(/\/$/, "")}${path}`;
    this.#origin = origin;
  }

  /** The day's key, which the signatures of that day share. */
  #keyOf(day: string): Buffer {
    if (day !== this.#day) {
      const parts = [day, this.to.region, "s3", "aws4_request"];
      this.#key = parts.reduce<string | Buffer>(hmac, `AWS4${this.to.secretKey}`) as Buffer;
      this.#day = day;
    }
    return this.#key;
  }

  /**
   * @param from when its validity begins
   * @param seconds how long it holds
   */
  url(key: string, from: Date, seconds: number): string {
    const time = from.toISOString().replace(/[-:]|\.\d+/g, "");
    const day = time.slice(0, 8);
    const scope = `${day}/${this.to.region}/s3/aws4_request`;
    const path = `${this.#base}/${key.split("/").map(encoded).join("/")}`;
    const query = [
      `X-Amz-Algorithm=${ALGORITHM}`,
      `X-Amz-Credential=${encoded(`${this.to.accessKey}/${scope}`)}`,
      `X-Amz-Date=${time}`,
      `X-Amz-Expires=${seconds}`,
      "X-Amz-SignedHeaders=host",
    ].join("&");
    const request = `GET\n${path}\n${query}\nhost:${this.#host}\n\nhost\nUNSIGNED-PAYLOAD`;
    const signed = `${ALGORITHM}\n${time}\n${scope}\n${sha256(request)}`;
    const signature = hmac(this.#keyOf(day), signed).toString("hex");
    return `${this.#origin}${path}?${query}&X-Amz-Signature=${signature}`;
  }
}
