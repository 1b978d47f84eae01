import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { it } from "node:test";
import { digestOf } from "../../src/lib/upload";

it("digests a body chunk by chunk", async () => {
  const found = await digestOf(new Blob(["one", "two"]).stream());
  assert.deepEqual(found, { bytes: 6, sha256: createHash("sha256").update("onetwo").digest("hex") });
});

it("digests no body as an empty one", async () => {
  const found = await digestOf(null);
  assert.deepEqual(found, { bytes: 0, sha256: createHash("sha256").digest("hex") });
});

it("passes on that the sender broke off", async () => {
  const body = new ReadableStream({ start: (controller) => controller.error(new Error("broken off")) });
  await assert.rejects(digestOf(body), /broken off/);
});
