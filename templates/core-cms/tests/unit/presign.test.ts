import { describe, expect, it } from "vitest";
import { Presigner } from "@/lib/presign";

describe("a signed URL", () => {
  it("is that of the example in AWS's documentation", () => {
    const to = {
      publicEndpoint: "https://examplebucket.s3.amazonaws.com",
      region: "us-east-1",
      accessKey: "AKIAIOSFODNN7EXAMPLE",
      secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    };
    expect(new Presigner(to, "").url("test.txt", new Date("2013-05-24T00:00:00Z"), 86_400)).toBe(
      "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256" +
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request" +
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host" +
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
    );
  });

  it("has a port, a path before the bucket and an object's odd name as the server sees them", () => {
    const to = { publicEndpoint: "http://localhost:9000/s3/", region: "r", accessKey: "a/b", secretKey: "s" };
    const url = new URL(new Presigner(to, "/bucket").url("a b/(c)+국.png", new Date(), 3_600));
    expect([url.host, url.pathname]).toEqual(["localhost:9000", "/s3/bucket/a%20b/%28c%29%2B%EA%B5%AD.png"]);
    expect(url.searchParams.get("X-Amz-Credential")).toMatch(/^a\/b\/\d{8}\/r\/s3\/aws4_request$/);
  });

  it("of another day has another key", () => {
    const to = { publicEndpoint: "http://x", region: "r", accessKey: "a", secretKey: "s" };
    const signer = new Presigner(to, "/b");
    const [one, two] = [new Date("2026-11-28T10:00:00Z"), new Date("2026-11-29T10:00:00Z")];
    const first = signer.url("x", one, 60);
    expect(signer.url("x", two, 60)).toBe(new Presigner(to, "/b").url("x", two, 60));
    expect(signer.url("x", one, 60)).toBe(first);
  });
});
