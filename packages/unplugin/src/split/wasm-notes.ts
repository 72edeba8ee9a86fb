/** A module that notes which of its functions were called. */
import {
  appended,
  CODE,
  constant,
  EXPORT,
  GLOBAL,
  joined,
  list,
  localsSize,
  name,
  sized,
  type WasmModule,
  whole,
  writeModule,
} from "./wasm-module.ts";

const PREFIX = "modelpack:called:";
// A mutable i32 that is 0 at first.
const NOTE = Uint8Array.of(0x7f, 1, 0x41, 0, 0x0b);
const GLOBAL_SET = Uint8Array.of(0x24);
const IS_GLOBAL = Uint8Array.of(3);

/** The same module, with a global for each function, which is 1 once that has been called. */
export function withNotes(module: WasmModule): Uint8Array {
  const { bodies, globals, importedGlobals } = module;
  const first = importedGlobals + globals.length;
  const noting = bodies.map((body, index) => {
    const locals = localsSize(body);
    const note = [constant(1), GLOBAL_SET, whole(first + index)];
    return sized(joined([body.subarray(0, locals), ...note, body.subarray(locals)]));
  });
  const sections = module.sections.map(({ id, content }) => {
    if (id === GLOBAL)
      return {
        id,
        content: appended(
          content,
          bodies.map(() => NOTE),
        ),
      };
    if (id === EXPORT) {
      const exported = bodies.map((_, index) =>
        joined([name(PREFIX + index), IS_GLOBAL, whole(first + index)]),
      );
      return { id, content: appended(content, exported) };
    }
    return { id, content: id === CODE ? list(noting) : content };
  });
  return writeModule(sections);
}

export function hasNotes(exports: WebAssembly.Exports): boolean {
  return `${PREFIX}0` in exports;
}

/** The functions that were called, by their position among those that the module defines. */
export function calledIn(exports: WebAssembly.Exports): number[] {
  return Object.entries(exports).flatMap(([key, value]) =>
    key.startsWith(PREFIX) && value instanceof WebAssembly.Global && value.value
      ? [Number(key.slice(PREFIX.length))]
      : [],
  );
}
