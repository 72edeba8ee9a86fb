import { expect, test } from "vitest";
import { resolveReference } from "../src/reference.ts";

test.each([
  ["https://a.test/m.json#digits", undefined, { manifestUrl: "https://a.test/m.json", model: "digits" }],
  [
    "models/m.json#t5.encoder",
    "https://a.test/app/",
    { manifestUrl: "https://a.test/app/models/m.json", model: "t5.encoder" },
  ],
  ["/m.json#a%20b", "https://a.test/app/", { manifestUrl: "https://a.test/m.json", model: "a b" }],
  [
    { manifestUrl: "m.json", model: "m", sha256: "ab" },
    "https://a.test/",
    { manifestUrl: "https://a.test/m.json", model: "m", sha256: "ab" },
  ],
])("%j from %s", (ref, baseUrl, expected) => {
  expect(resolveReference(ref, baseUrl)).toMatchObject(expected);
});

test.each([
  ["m.json#m", undefined, '"m.json" is no address; give an absolute URL, or baseUrl'],
  ["https://a.test/m.json", undefined, '"https://a.test/m.json" names no model; write manifest.json#model'],
  ["https://a.test/m.json#", undefined, '"https://a.test/m.json" names no model; write manifest.json#model'],
])("%j from %s is USAGE", (ref, baseUrl, message) => {
  expect(() => resolveReference(ref, baseUrl)).toThrow(expect.objectContaining({ code: "USAGE", message }));
});
