import type { TestProject } from "vitest/node";
import { type Place, Services } from "../../scripts/services/services";

declare module "vitest" {
  interface ProvidedContext {
    services: Place;
  }
}

/** One Postgres, Redis and MinIO for all files; each file makes a database of its own (`fixtures.ts`). */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const services = await Services.throwAway();
  project.provide("services", services.place);
  return () => services.stop();
}
