import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { createPresignedPost } from "@aws-sdk/s3-presigned-post";
import { config } from "./app";
import type { StorageConfig } from "./config";
import { Presigner } from "./presign";
import { singleton } from "./process";

/** Validity of a signed URL, in seconds. */
export const SIGNED_SECONDS = 3_600;
/** URLs of the same minute are the same, whichever process signs them, so that browsers needn't load pictures again. */
const SAME_MS = 60_000;
/** How long a browser may take to begin its upload, in seconds. */
const UPLOAD_SECONDS = 300;

export interface Upload {
  /** Where a form with `fields` and then `file` is posted to. */
  url: string;
  fields: Record<string, string>;
}

function client(to: StorageConfig, endpoint: string): S3Client {
  return new S3Client({
    endpoint,
    region: to.region,
    credentials: { accessKeyId: to.accessKey, secretAccessKey: to.secretKey },
    forcePathStyle: true,
    maxAttempts: 2,
    requestHandler: { connectionTimeout: 2_000, requestTimeout: 10_000 },
    // Sums beyond those of S3's first years are not asked for: MinIO and others needn't have them.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  });
}

/** One bucket, by keys that may be limited to its objects. */
export class Storage {
  readonly #inner: S3Client;
  readonly #outer: S3Client;
  readonly #bucket: string;
  readonly #signer: Presigner;

  constructor(to: StorageConfig) {
    this.#inner = client(to, to.endpoint);
    this.#outer = client(to, to.publicEndpoint);
    this.#bucket = to.bucket;
    this.#signer = new Presigner(to, `/${to.bucket}`);
  }

  /** Resolves if the bucket answers to our keys. */
  async check(signal: AbortSignal): Promise<void> {
    await this.#inner.send(new HeadBucketCommand({ Bucket: this.#bucket }), { abortSignal: signal });
  }

  /** Stores an object that never changes under its key; browsers keep it for an hour. */
  async put(key: string, body: Uint8Array, contentType: string): Promise<void> {
    const object = { Key: key, Body: body, ContentType: contentType, CacheControl: "private, max-age=3600" };
    await this.#inner.send(new PutObjectCommand({ Bucket: this.#bucket, ...object }));
  }

  /** At most the first `most` bytes of an object; null: not there. */
  async read(key: string, most: number): Promise<Uint8Array | null> {
    try {
      const found = await this.#inner.send(
        new GetObjectCommand({ Bucket: this.#bucket, Key: key, Range: `bytes=0-${most - 1}` }),
      );
      return (await found.Body?.transformToByteArray()) ?? new Uint8Array();
    } catch (error) {
      if (error instanceof Error && (error.name === "NoSuchKey" || error.name === "InvalidRange"))
        return null;
      throw error;
    }
  }

  /** The first thousand objects whose keys begin so, and since when they are there. */
  async list(prefix: string): Promise<{ key: string; at: Date }[]> {
    const found = await this.#inner.send(new ListObjectsV2Command({ Bucket: this.#bucket, Prefix: prefix }));
    return (found.Contents ?? []).map(({ Key = "", LastModified = new Date() }) => ({
      key: Key,
      at: LastModified,
    }));
  }

  async remove(key: string): Promise<void> {
    await this.#inner.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: key }));
  }

  /** A URL by which anyone may download the object for an hour, or a minute less. Made without asking the server. */
  signedUrl(key: string): string {
    const now = Date.now();
    return this.#signer.url(key, new Date(now - (now % SAME_MS)), SIGNED_SECONDS);
  }

  /** A form by which a browser may store one object of this very key, type and number of bytes, in five minutes. */
  async upload(key: string, contentType: string, size: number): Promise<Upload> {
    return createPresignedPost(this.#outer, {
      Bucket: this.#bucket,
      Key: key,
      Fields: { "Content-Type": contentType },
      Conditions: [
        ["content-length-range", size, size],
        ["eq", "$Content-Type", contentType],
      ],
      Expires: UPLOAD_SECONDS,
    });
  }
}

/** The process's bucket; null where the platform gives none. */
export function storage(): Storage | null {
  return singleton("storage", () => {
    const { storage: to } = config();
    return to && new Storage(to);
  });
}
