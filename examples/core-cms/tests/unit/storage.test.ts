import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { makeStorage } from "../../src/lib/storage";

const CONFIG = {
  endpoint: "http://10.77.0.2:9000",
  publicEndpoint: "https://s3.lab.test",
  region: "us-east-1",
  bucket: "food-delivery-uploads",
  accessKey: "food_delivery",
  secretKey: "a-secret-key",
};

describe("a signed URL", () => {
  it("is for the public address, the object and one hour, and carries no secret", async () => {
    const url = new URL(await makeStorage(CONFIG).signedUrl("images/posts/a b.svg"));
    assert.equal(url.origin, "https://s3.lab.test");
    assert.equal(url.pathname, "/food-delivery-uploads/images/posts/a%20b.svg");
    assert.equal(url.searchParams.get("X-Amz-Expires"), "3600");
    assert.match(
      url.searchParams.get("X-Amz-Credential") ?? "",
      /^food_delivery\/\d{8}\/us-east-1\/s3\/aws4_request$/,
    );
    assert.equal(url.searchParams.get("X-Amz-SignedHeaders"), "host");
    assert.ok(!url.href.includes("a-secret-key"));
  });
});

describe("an upload", () => {
  it("is signed, and a refusal names the object and the status", async () => {
    const seen: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      seen.push(request.method, request.url, request.headers["content-type"], request.headers.authorization);
      response.writeHead(403).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      await assert.rejects(
        makeStorage({ ...CONFIG, endpoint }).put("images/a.svg", "<svg/>", "image/svg+xml"),
        /^Error: storage answered 403 to PUT food-delivery-uploads\/images\/a.svg$/,
      );
    } finally {
      server.close();
    }
    assert.deepEqual(seen.slice(0, 3), ["PUT", "/food-delivery-uploads/images/a.svg", "image/svg+xml"]);
    assert.match(seen[3] ?? "", /^AWS4-HMAC-SHA256 Credential=food_delivery\//);
  });
});
