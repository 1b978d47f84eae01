import { hostname } from "node:os";

/** `DEMO_FAIL`: a fault this process shows on purpose, for tests of releases. */
export const FAULTS = ["crash", "unhealthy", "slow", "wrong-port", "migration"] as const;
export const DATASETS = ["restaurants", "listings", "posts"] as const;

export type Fault = (typeof FAULTS)[number];
export type Dataset = (typeof DATASETS)[number];

export interface CacheConfig {
  host: string;
  port: number;
  database: number;
  username?: string;
  password?: string;
  /** Every key begins with it. */
  prefix: string;
}

export interface StorageConfig {
  /** Where this process talks to the object store, e.g. http://10.77.0.2:9000. */
  endpoint: string;
  /** Where browsers download from; signed URLs are made for it. */
  publicEndpoint: string;
  region: string;
  bucket: string;
  accessKey: string;
  secretKey: string;
}

export interface Config {
  name: string;
  /** Heading in place of the dataset's own. */
  title: string | null;
  dataset: Dataset;
  version: string;
  colour: string | null;
  hostname: string;
  fault: Fault | null;
  /** How long requests in flight may take after SIGTERM. */
  drainMs: number;
  database: { url: string; poolSize: number };
  cache: CacheConfig | null;
  storage: StorageConfig | null;
}

/** The environment is unusable; the message lists every problem by the variable's name, never by its value. */
export class ConfigError extends Error {}

type Env = Record<string, string | undefined>;

class Reader {
  readonly problems: string[] = [];

  constructor(private readonly env: Env) {}

  optional(name: string): string | null {
    return this.env[name]?.trim() || null;
  }

  required(name: string): string {
    const value = this.optional(name);
    if (value === null) this.problems.push(`${name} is not set`);
    return value ?? "";
  }

  integer(name: string, fallback: number, min: number, max: number): number {
    const value = Number(this.optional(name) ?? fallback);
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    this.problems.push(`${name} must be a whole number from ${min} to ${max}`);
    return fallback;
  }

  choice<T extends string>(name: string, choices: readonly T[]): T | null {
    const value = this.optional(name);
    const found = choices.find((choice) => choice === value) ?? null;
    if (value !== null && found === null) this.problems.push(`${name} must be one of ${choices.join(", ")}`);
    return found;
  }

  url(name: string, protocols: string[]): string {
    const value = this.required(name);
    if (value && !protocols.includes(URL.parse(value)?.protocol ?? "")) {
      this.problems.push(`${name} must be a URL that begins with ${protocols.join(" or ")}//`);
    }
    return value;
  }
}

function cacheConfig(read: Reader): CacheConfig | null {
  const host = read.optional("REDIS_HOST");
  if (host === null) return null;
  const username = read.optional("REDIS_USERNAME");
  return {
    host,
    port: read.integer("REDIS_PORT", 6379, 1, 65535),
    database: read.integer("REDIS_DB", 0, 0, 1023),
    username: username ?? undefined,
    password: read.optional("REDIS_PASSWORD") ?? undefined,
    prefix: `${username ?? "core-cms"}:`,
  };
}

function storageConfig(read: Reader): StorageConfig | null {
  if (read.optional("MINIO_ENDPOINT") === null) return null;
  const web = ["http:", "https:"];
  const endpoint = read.url("MINIO_ENDPOINT", web);
  const isPublic = read.optional("MINIO_PUBLIC_ENDPOINT") !== null;
  return {
    endpoint,
    publicEndpoint: isPublic ? read.url("MINIO_PUBLIC_ENDPOINT", web) : endpoint,
    region: read.optional("MINIO_REGION") ?? "us-east-1",
    bucket: read.required("MINIO_BUCKET"),
    accessKey: read.required("MINIO_ACCESS_KEY"),
    secretKey: read.required("MINIO_SECRET_KEY"),
  };
}

/**
 * What the platform's environment says. Without `REDIS_HOST` there is no cache, without `MINIO_ENDPOINT` no storage.
 * @throws ConfigError listing all problems at once
 */
export function readConfig(env: Env): Config {
  const read = new Reader(env);
  const config: Config = {
    name: read.optional("NEXT_PUBLIC_APP_NAME") ?? "Core CMS demo",
    title: read.optional("DEMO_TITLE"),
    dataset: read.choice("DEMO_DATASET", DATASETS) ?? "restaurants",
    version: read.optional("APP_VERSION") ?? "unknown",
    colour: read.optional("CODEB_COLOUR"),
    hostname: hostname(),
    fault: read.choice("DEMO_FAIL", FAULTS),
    drainMs: read.integer("DRAIN_TIMEOUT", 25_000, 0, 600_000),
    database: {
      url: read.url("DATABASE_URL", ["postgresql:", "postgres:"]),
      poolSize: read.integer("DATABASE_POOL_SIZE", 8, 1, 100),
    },
    cache: cacheConfig(read),
    storage: storageConfig(read),
  };
  if (read.problems.length > 0)
    throw new ConfigError(`The environment is incomplete: ${read.problems.join("; ")}`);
  return config;
}
