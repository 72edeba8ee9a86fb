/**
 * One module as two: what is called, and the rest.
 *
 * 1. Both define every function, at the index that it had; so bodies are copied as they are, whatever they call.
 * 2. A function that lies in the other module is a stub here, which calls it through a second table. The first module's
 *    part of that table is filled when it starts, the rest's when the rest does.
 * 3. Stubs of the first module call slot 0 of that table before, as long as the rest is not there: whoever starts the module
 *    puts a function there that fetches it (`rest.ts`).
 * 4. The data is in the first module, and with it the functions that use it.
 * 5. Memory, imports, globals and the table that pointers to functions lead to are the first module's, and shared.
 */
import {
  appended,
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
  type Section,
  sized,
  TABLE,
  TYPE,
  usesData,
  type WasmModule,
  whole,
  writeModule,
} from "./wasm-module.ts";

/** What the first module exports for the rest. */
export const SHARED = "modelpack";
export const SLOTS = "modelpack:slots";
export const IS_COMPLETE = "modelpack:isComplete";
const POINTERS = "modelpack:pointers";
const globalName = (index: number): string => `modelpack:global:${index}`;

export interface Cut {
  readonly first: Uint8Array<ArrayBuffer>;
  readonly rest: Uint8Array<ArrayBuffer>;
}

const FUNCTION_REFERENCE = 0x70;
const [IS_TABLE, IS_GLOBAL] = [Uint8Array.of(1), Uint8Array.of(3)];
const [POINTER_TABLE, SLOT_TABLE] = [0, 1];
const [NO_LOCALS, END] = [Uint8Array.of(0), Uint8Array.of(0x0b)];
const [LOCAL_GET, GLOBAL_GET, CALL_INDIRECT] = [
  Uint8Array.of(0x20),
  Uint8Array.of(0x23),
  Uint8Array.of(0x11),
];
const [IS_ZERO, IF] = [Uint8Array.of(0x45), Uint8Array.of(0x04, 0x40)];
// A mutable i32 that is 0 at first.
const FLAG = Uint8Array.of(0x7f, 1, 0x41, 0, 0x0b);

/** `module` with the functions at these positions first. Throws an Error if the result is not valid. */
export function cutModule(module: WasmModule, called: ReadonlySet<number>): Cut {
  const positions = [...module.bodies.keys()];
  const isFirst = module.bodies.map((body, position) => called.has(position) || usesData(body));
  const first = positions.filter((position) => isFirst[position]);
  const rest = positions.filter((position) => !isFirst[position]);
  const slots = new Map([...first, ...rest].map((position, index) => [position, index + 1]));
  const plan = { module, first, rest, slotOf: (position: number) => slots.get(position) ?? 0 };
  const cut = { first: writeModule(firstSections(plan)), rest: writeModule(restSections(plan)) } as Cut;
  for (const [part, bytes] of Object.entries(cut)) {
    if (!WebAssembly.validate(bytes)) throw new Error(`its ${part} functions make no valid module`);
  }
  return cut;
}

interface Plan {
  readonly module: WasmModule;
  readonly first: readonly number[];
  readonly rest: readonly number[];
  readonly slotOf: (position: number) => number;
}

function firstSections(plan: Plan): Section[] {
  const { module, first } = plan;
  const flag = module.importedGlobals + module.globals.length;
  const guard = joined([GLOBAL_GET, whole(flag), IS_ZERO, IF, callSlot(0, module.voidType), END]);
  const isHere = new Set(first);
  const bodies = module.bodies.map((body, position) =>
    sized(isHere.has(position) ? body : stub(plan, position, guard)),
  );
  const exported = [
    joined([name(POINTERS), IS_TABLE, whole(POINTER_TABLE)]),
    joined([name(SLOTS), IS_TABLE, whole(SLOT_TABLE)]),
    joined([name(IS_COMPLETE), IS_GLOBAL, whole(flag)]),
    ...module.globals.map((_, index) => {
      const position = module.importedGlobals + index;
      return joined([name(globalName(position)), IS_GLOBAL, whole(position)]);
    }),
  ];
  const added: Readonly<Record<number, Uint8Array>> = {
    [TABLE]: slotTable(module),
    [GLOBAL]: FLAG,
    [ELEMENT]: filledSlots(plan, first),
  };
  return module.sections.map(({ id, content }) => {
    if (id === CODE) return { id, content: list(bodies) };
    if (id === EXPORT) return { id, content: appended(content, exported) };
    const item = added[id];
    return { id, content: item ? appended(content, [item]) : content };
  });
}

function restSections(plan: Plan): Section[] {
  const { module, rest } = plan;
  const isHere = new Set(rest);
  const bodies = module.bodies.map((body, position) =>
    sized(isHere.has(position) ? body : stub(plan, position)),
  );
  const imported = [
    joined([name(SHARED), name(POINTERS), IS_TABLE, module.table]),
    joined([name(SHARED), name(SLOTS), IS_TABLE, slotTable(module)]),
    ...module.globals.map((type, index) =>
      joined([name(SHARED), name(globalName(module.importedGlobals + index)), IS_GLOBAL, type]),
    ),
  ];
  const contents: Readonly<Record<number, (content: Uint8Array) => Uint8Array>> = {
    [TYPE]: (content) => content,
    [IMPORT]: (content) => appended(content, imported),
    [FUNCTION]: (content) => content,
    [ELEMENT]: () => list([filledSlots(plan, rest)]),
    [CODE]: () => list(bodies),
  };
  return module.sections.flatMap(({ id, content }) => {
    const changed = contents[id]?.(content);
    return changed ? [{ id, content: changed }] : [];
  });
}

/** A body that passes its arguments on, after the instructions in `guard`. */
function stub({ module, slotOf }: Plan, position: number, guard: Uint8Array = new Uint8Array()): Uint8Array {
  const type = module.types[position] ?? 0;
  const count = module.parameterCounts[type] ?? 0;
  const parameters = Array.from({ length: count }, (_, index) => joined([LOCAL_GET, whole(index)]));
  return joined([NO_LOCALS, guard, ...parameters, callSlot(slotOf(position), type), END]);
}

function callSlot(slot: number, type: number): Uint8Array {
  return joined([constant(slot), CALL_INDIRECT, whole(type), whole(SLOT_TABLE)]);
}

function slotTable({ bodies }: WasmModule): Uint8Array {
  const count = whole(bodies.length + 1);
  return joined([Uint8Array.of(FUNCTION_REFERENCE, 1), count, count]);
}

/** The functions at `positions`, which have neighbouring slots, from the first of them on. */
function filledSlots({ module, slotOf }: Plan, positions: readonly number[]): Uint8Array {
  const [first = 0] = positions;
  const functions = positions.map((position) => whole(module.importedFunctions + position));
  const head = [Uint8Array.of(2), whole(SLOT_TABLE), constant(slotOf(first)), END, Uint8Array.of(0)];
  return joined([...head, list(functions)]);
}
