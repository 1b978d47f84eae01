/** One line of JSON. */
export function log(level: "info" | "error", message: string, fields: Record<string, unknown> = {}): void {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })}\n`);
}

/** What went wrong, in words. */
export function cause(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
