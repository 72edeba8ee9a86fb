/** One module as two, which together do what the one did. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { cutModule, IS_COMPLETE, SHARED, SLOTS } from "../src/split/wasm-cut.ts";
import {
  CODE,
  constant,
  ELEMENT,
  EXPORT,
  FUNCTION,
  GLOBAL,
  IMPORT,
  joined,
  list,
  name,
  readModule,
  sized,
  TABLE,
  TYPE,
  whole,
  writeModule,
} from "../src/split/wasm-module.ts";
import { calledIn, hasNotes, withNotes } from "../src/split/wasm-notes.ts";

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const [EVEN, ODD, THROUGH_POINTER, SUM] = [0, 1, 2, 3];

/** `even` and `odd` call each other, `through` calls `even` by a pointer, and `sum` gives the import what a global adds up to. */
function example(): Uint8Array {
  const [get, call, subtract, isZero] = [bytes(0x20, 0), 0x10, 0x6b, 0x45];
  const other = (index: number): Uint8Array =>
    joined([get, constant(1), bytes(subtract, call), whole(index + 1)]);
  const or = (value: number, index: number): Uint8Array => {
    const branches = [constant(value), bytes(0x05), other(index), bytes(0x0b)];
    return joined([bytes(0), get, bytes(isZero, 0x04, 0x7f), ...branches, bytes(0x0b)]);
  };
  const through = joined([bytes(0), get, constant(0), bytes(0x11, 1, 0, 0x0b)]);
  const added = joined([bytes(0x23, 0), get, bytes(0x6a, 0x24, 0, 0x23, 0, call, 0)]);
  const sum = joined([bytes(1, 1, 0x7f), added, bytes(0x0b)]);
  const exported = ["even", "odd", "through", "sum"].map((key, index) =>
    joined([name(key), bytes(0), whole(index + 1)]),
  );
  return writeModule([
    { id: TYPE, content: list([bytes(0x60, 0, 0), bytes(0x60, 1, 0x7f, 1, 0x7f)]) },
    { id: IMPORT, content: list([joined([name("m"), name("twice"), bytes(0, 1)])]) },
    { id: FUNCTION, content: list([bytes(1), bytes(1), bytes(1), bytes(1)]) },
    { id: TABLE, content: list([bytes(0x70, 1, 1, 1)]) },
    { id: GLOBAL, content: list([bytes(0x7f, 1, 0x41, 5, 0x0b)]) },
    { id: EXPORT, content: list(exported) },
    { id: ELEMENT, content: list([joined([bytes(0, 0x41, 0, 0x0b), list([whole(EVEN + 1)])])]) },
    { id: CODE, content: list([or(1, ODD), or(0, EVEN), through, sum].map(sized)) },
  ]);
}

const IMPORTS = { m: { twice: (value: number) => 2 * value } };
type Exports = Readonly<Record<"even" | "odd" | "through" | "sum", (value: number) => number>>;

function start(content: Uint8Array): WebAssembly.Exports {
  const module = new WebAssembly.Module(content as Uint8Array<ArrayBuffer>);
  return new WebAssembly.Instance(module, IMPORTS).exports;
}

/** The first module, and what adds the rest to it when that is asked for. */
function startCut(called: readonly number[]): { exports: Exports; readonly asked: () => number } {
  const { first, rest } = cutModule(readModule(example()), new Set(called));
  const exports = start(first);
  let asked = 0;
  const f = (): void => {
    asked += 1;
    const shared = { ...IMPORTS, [SHARED]: exports as WebAssembly.ModuleImports };
    new WebAssembly.Instance(new WebAssembly.Module(rest), shared);
    (exports[IS_COMPLETE] as WebAssembly.Global).value = 1;
  };
  const imported = { id: IMPORT, content: list([joined([name("m"), name("f"), bytes(0, 0)])]) };
  const adapter = writeModule([
    { id: TYPE, content: list([bytes(0x60, 0, 0)]) },
    imported,
    { id: EXPORT, content: list([joined([name("f"), bytes(0, 0)])]) },
  ]);
  const adapted = new WebAssembly.Instance(new WebAssembly.Module(adapter as Uint8Array<ArrayBuffer>), {
    m: { f },
  });
  (exports[SLOTS] as WebAssembly.Table).set(0, adapted.exports["f"]);
  return { exports: exports as unknown as Exports, asked: () => asked };
}

for (const called of [[EVEN, ODD, THROUGH_POINTER, SUM], [EVEN], [ODD, SUM], [THROUGH_POINTER], []]) {
  test(`with the functions [${called}] first, all do what they did`, () => {
    const whole = start(example()) as unknown as Exports;
    const { exports: cut } = startCut(called);
    for (const key of ["through", "even", "odd", "sum", "sum"] as const) {
      for (const value of [0, 1, 4, 7])
        expect([key, value, cut[key](value)]).toEqual([key, value, whole[key](value)]);
    }
  });
}

test("the rest is asked for once, by the first call that leads into it", () => {
  const { exports, asked } = startCut([EVEN, SUM]);
  expect([exports.even(0), exports.sum(1), asked()]).toEqual([1, 12, 0]);
  expect([exports.even(1), asked()]).toEqual([0, 1]);
  expect([exports.odd(3), exports.through(2), exports.sum(1), asked()]).toEqual([1, 1, 14, 1]);
});

test("notes say which functions were called", () => {
  const exports = start(withNotes(readModule(example())));
  expect([hasNotes(exports), calledIn(exports)]).toEqual([true, []]);
  expect((exports as unknown as Exports).through(0)).toBe(1);
  expect(calledIn(exports)).toEqual([EVEN, THROUGH_POINTER]);
  expect(hasNotes(start(example()))).toBe(false);
});

test("onnxruntime's plain build is cut into valid modules, with every function in one of them", () => {
  const path = createRequire(import.meta.url).resolve("onnxruntime-web/ort-wasm-simd-threaded.wasm");
  const module = readModule(readFileSync(path));
  const { first, rest } = cutModule(module, new Set([0, 1, 2]));
  const total = module.bodies.reduce((sum, body) => sum + body.length, 0);
  expect(first.length).toBeLessThan(total / 4); // stubs, data and names of what it exports
  expect(first.length + rest.length).toBeGreaterThan(total);
});

test("what is no such module is refused", () => {
  expect(() => readModule(bytes(1, 2, 3))).toThrow("it is no WebAssembly module");
  expect(() => readModule(example().subarray(0, 40))).toThrow("it ends too early");
  const table = { id: TABLE, content: list([bytes(0x70, 0, 1), bytes(0x70, 0, 1)]) };
  const sections = readModule(example()).sections.map((one) => (one.id === TABLE ? table : one));
  expect(() => readModule(writeModule(sections))).toThrow("it has not one table of its own");
  expect(() => readModule(writeModule([...sections, { id: 13, content: list([]) }]))).toThrow(
    "it has exceptions",
  );
});
