import type { Client } from "pg";
import { expect, it } from "vitest";
import { exclusively } from "@/lib/migrate";

it("what failed is said even where the lock can't be given back, as when the connection broke", async () => {
  const query = async (sql: string) => {
    if (sql.includes("unlock")) throw new Error("Client was closed and is not queryable");
    return { rows: [{ taken: true }] };
  };
  const failing = () => Promise.reject(new Error("line 3: no such column"));
  const client = { query } as unknown as Client;
  await expect(exclusively(client, {}, failing)).rejects.toThrow("line 3: no such column");
});
