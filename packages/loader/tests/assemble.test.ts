import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { layOut } from "../src/assemble.ts";
import type { Chunk, Manifest, ManifestFile, Part } from "../src/manifest.ts";
import { noise } from "./support/packs.ts";

function manifestOf(chunks: readonly Chunk[]): Manifest {
  const delivery = { base: "./", chunkUrl: "c/{hash}{ext}", mode: "stored", mirrors: [] } as const;
  return { delivery, chunks, files: new Map(), models: new Map() };
}

function fileOf(parts: readonly Part[]): ManifestFile {
  const size = parts.reduce((total, part) => total + part.length, 0);
  return { size, hash: "", type: "application/octet-stream", parts };
}

describe("layOut", () => {
  test("puts any parts of any chunks where they belong, each chunk received once", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });
    const picks = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(), fc.boolean()), { maxLength: 12 });
    fc.assert(
      fc.property(sizes, picks, fc.nat(12), (lengths, picked, cut) => {
        const contents = lengths.map((length, position) => noise(position, length));
        const chunks = lengths.map((size, position) => ({
          hash: String(position),
          size,
          enc: {},
          transfer: size,
        }));
        const parts = picked.map(([which, from, length, isZero]): Part => {
          if (isZero) return { chunk: undefined, offset: 0, length: 1 + (length % 9) };
          const chunk = which % chunks.length;
          const size = lengths[chunk] as number;
          const offset = from % size;
          return { chunk, offset, length: length % 3 ? 1 + (length % (size - offset)) : size - offset };
        });
        const files = [fileOf(parts.slice(0, cut)), fileOf(parts.slice(cut))];
        const { buffers, placements } = layOut(manifestOf(chunks), files);
        for (const { chunk, target, spread } of placements) {
          const received = target();
          expect(received).toHaveLength(chunk.size);
          received.set(contents[Number(chunk.hash)] as Uint8Array);
          spread(received);
        }
        const expected = files.map(({ parts: all }) =>
          all.flatMap(({ chunk, offset, length }) =>
            chunk === undefined
              ? Array(length).fill(0)
              : [...(contents[chunk] as Uint8Array).subarray(offset, offset + length)],
          ),
        );
        expect(buffers.map((buffer) => [...buffer])).toEqual(expected);
        expect(new Set(placements.map(({ chunk }) => chunk.hash)).size).toBe(placements.length);
      }),
    );
  });

  test("receives a whole chunk in its file, without a copy", () => {
    const chunks = [{ hash: "a", size: 10, enc: {}, transfer: 10 }];
    const { buffers, placements } = layOut(manifestOf(chunks), [
      fileOf([{ chunk: 0, offset: 0, length: 10 }]),
    ]);
    expect(placements[0]?.target().buffer).toBe(buffers[0]?.buffer);
  });

  test("says so where the memory does not suffice", () => {
    const file = { size: Number.MAX_SAFE_INTEGER, hash: "", type: "", parts: [] };
    expect(() => layOut(manifestOf([]), [file])).toThrow(expect.objectContaining({ code: "OUT_OF_MEMORY" }));
  });
});
