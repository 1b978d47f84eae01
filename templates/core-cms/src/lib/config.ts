import { hostname } from "node:os";
import { APP_ID, APP_NAME } from "./name";

export const DATASETS = ["restaurants", "listings", "posts"] as const;
export const REGISTRATIONS = ["invite", "open", "closed"] as const;

export type Dataset = (typeof DATASETS)[number];
export type Registration = (typeof REGISTRATIONS)[number];

export interface RedisConfig {
  host: string;
  port: number;
  database: number;
  username?: string;
  password?: string;
  /** How the names of channels begin. */
  channelPrefix: string;
  /** Whether it takes TLS alone, as one that a cloud runs; its certificate is checked. */
  tls: boolean;
}

export interface StorageConfig {
  /** Where this process talks to the object store, e.g. http://10.77.0.2:9000. */
  endpoint: string;
  /** Where browsers reach it; URLs and forms are signed for it. */
  publicEndpoint: string;
  region: string;
  bucket: string;
  accessKey: string;
  secretKey: string;
}

export interface Config {
  name: string;
  /** Heading of the public page in place of the dataset's own. */
  title: string | null;
  dataset: Dataset;
  registration: Registration;
  /** Origin of the app as browsers see it, e.g. https://food.example.com. */
  origin: string;
  /** Key of the session cookie's encryption and of what else the app signs. */
  secret: string;
  version: string;
  colour: string | null;
  hostname: string;
  /** How long requests in flight may take after SIGTERM, in milliseconds. */
  drainMs: number;
  database: { url: string; poolSize: number };
  redis: RedisConfig | null;
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

  choice<T extends string>(name: string, choices: readonly [T, ...T[]]): T {
    const value = this.optional(name);
    const found = choices.find((choice) => choice === value);
    if (value !== null && !found) this.problems.push(`${name} must be one of ${choices.join(", ")}`);
    return found ?? choices[0];
  }

  url(name: string, protocols: string[]): string {
    const value = this.required(name);
    if (value && !protocols.includes(URL.parse(value)?.protocol ?? "")) {
      this.problems.push(`${name} must be a URL that begins with ${protocols.join(" or ")}//`);
    }
    return value;
  }

  secret(name: string): string {
    const value = this.required(name);
    if (value && value.length < 16) this.problems.push(`${name} must have at least 16 characters`);
    return value;
  }
}

const WEB = ["http:", "https:"];
const TLS = ["false", "true"] as const;

function redisConfig(read: Reader): RedisConfig | null {
  const host = read.optional("REDIS_HOST");
  if (host === null) return null;
  return {
    host,
    port: read.integer("REDIS_PORT", 6379, 1, 65535),
    database: read.integer("REDIS_DB", 0, 0, 1023),
    username: read.optional("REDIS_USERNAME") ?? undefined,
    password: read.optional("REDIS_PASSWORD") ?? undefined,
    channelPrefix: read.optional("REDIS_CHANNEL_PREFIX") ?? `${APP_ID}:`,
    tls: read.choice("REDIS_TLS", TLS) === "true",
  };
}

/** Where Redis is, as its client takes it. */
export function redisSocket({ host, port, tls }: RedisConfig) {
  const place = { host, port };
  return tls ? { ...place, tls: true as const } : place;
}

function storageConfig(read: Reader): StorageConfig | null {
  if (read.optional("MINIO_ENDPOINT") === null) return null;
  const endpoint = read.url("MINIO_ENDPOINT", WEB);
  const isPublic = read.optional("MINIO_PUBLIC_ENDPOINT") !== null;
  return {
    endpoint,
    publicEndpoint: isPublic ? read.url("MINIO_PUBLIC_ENDPOINT", WEB) : endpoint,
    region: read.optional("MINIO_REGION") ?? "us-east-1",
    bucket: read.required("MINIO_BUCKET"),
    accessKey: read.required("MINIO_ACCESS_KEY"),
    secretKey: read.required("MINIO_SECRET_KEY"),
  };
}

/**
 * What the platform's environment says. Without `REDIS_HOST` nobody can sign in and nothing is cached, without
 * `MINIO_ENDPOINT` there are no pictures.
 * @throws ConfigError listing all problems at once
 */
export function readConfig(env: Env): Config {
  const read = new Reader(env);
  const config: Config = {
    name: read.optional("NEXT_PUBLIC_APP_NAME") ?? APP_NAME,
    title: read.optional("APP_TITLE"),
    dataset: read.choice("APP_DATASET", DATASETS),
    registration: read.choice("REGISTRATION", REGISTRATIONS),
    origin: URL.parse(read.url("NEXTAUTH_URL", WEB))?.origin ?? "",
    secret: read.secret("NEXTAUTH_SECRET"),
    version: read.optional("APP_VERSION") ?? "unknown",
    colour: read.optional("CODEB_COLOUR"),
    hostname: hostname(),
    drainMs: read.integer("DRAIN_TIMEOUT", 25_000, 0, 600_000),
    database: {
      url: read.url("DATABASE_URL", ["postgresql:", "postgres:"]),
      poolSize: read.integer("DATABASE_POOL_SIZE", 8, 1, 100),
    },
    redis: redisConfig(read),
    storage: storageConfig(read),
  };
  if (read.problems.length > 0)
    throw new ConfigError(`The environment is incomplete: ${read.problems.join("; ")}`);
  return config;
}
