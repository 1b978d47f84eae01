import { defineConfig } from "prisma/config";

/** For Prisma's command line: `generate` needs no database, the rest takes `DATABASE_URL`. */
export default defineConfig({
  schema: "prisma/schema.prisma",
  migrations: { path: "prisma/migrations" },
  datasource: { url: process.env.DATABASE_URL ?? "" },
});
