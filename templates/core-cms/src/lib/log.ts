import { trace } from "@opentelemetry/api";

type Env = Record<string, string | undefined>;
type Fields = Record<string, unknown>;

const SECRET_NAMES = ["NEXTAUTH_SECRET", "REDIS_PASSWORD", "MINIO_SECRET_KEY"];

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Not encoded after all: then what is written is all there is to hide.
    return text;
  }
}

/** The environment's secret values, the database password among them as written and as decoded. */
export function secretValues(env: Env): string[] {
  const url = URL.parse(env.DATABASE_URL ?? "");
  const password = url?.password ?? "";
  const values = [...SECRET_NAMES.map((name) => env[name] ?? ""), password, decoded(password)];
  return values.filter((value) => value.length >= 4);
}

/** The trace that the platform's edge began for the request being answered, where traces are on. */
function traced(): Fields {
  const id = trace.getActiveSpan()?.spanContext().traceId;
  return id ? { trace_id: id } : {};
}

/** One log line as JSON, with every one of `secrets` blotted out. */
export function logLine(level: string, message: string, fields: Fields, secrets: string[]): string {
  const line = JSON.stringify({ time: new Date().toISOString(), level, message, ...traced(), ...fields });
  return secrets.reduce(
    (text, secret) => text.replaceAll(JSON.stringify(secret).slice(1, -1), "[redacted]"),
    line,
  );
}

function write(level: string, message: string, fields: Fields = {}): void {
  process.stdout.write(`${logLine(level, message, fields, secretValues(process.env))}\n`);
}

export const log = {
  info: (message: string, fields?: Fields) => write("info", message, fields),
  warn: (message: string, fields?: Fields) => write("warn", message, fields),
  error: (message: string, fields?: Fields) => write("error", message, fields),
};
