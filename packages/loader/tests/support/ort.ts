/** An onnxruntime with a memory in place of arithmetic: `y` is `x` plus one, `next` is `total` plus the first of `x`. */
import type { OrtModule, OrtSession, TensorLike } from "../../src/index.ts";

export interface Created {
  readonly model: Uint8Array;
  readonly externalData: readonly { readonly path: string; readonly data: Uint8Array }[];
  readonly options: Readonly<Record<string, unknown>>;
}

export interface FakeOrt extends OrtModule {
  /** Sessions that were created from packs, not those that only start the runtime. */
  readonly created: Created[];
  readonly runs: Readonly<Record<string, TensorLike>>[];
  released: number;
}

export interface FakeBehaviour {
  /** Answers what `create` throws for these bytes; nothing: it works. */
  readonly fail?: (created: Created) => Error | undefined;
  readonly failStart?: Error;
  /** Awaited before a session is there. */
  readonly gate?: Promise<void>;
  readonly failRuns?: Error;
  /** Awaited before a run answers. */
  readonly runGate?: Promise<void>;
}

const STARTER_BYTES = 65;

export function fakeOrt(behaviour: FakeBehaviour = {}): FakeOrt {
  const ort: FakeOrt = {
    env: { wasm: {} },
    created: [],
    runs: [],
    released: 0,
    InferenceSession: {
      create: async (model: Uint8Array, options?: unknown): Promise<OrtSession> => {
        const { externalData = [], ...rest } = options as { externalData?: Created["externalData"] };
        if (model.length === STARTER_BYTES && !externalData.length) {
          if (behaviour.failStart) throw behaviour.failStart;
          return session(ort, behaviour);
        }
        const created = { model, externalData, options: rest };
        ort.created.push(created);
        await behaviour.gate;
        const failure = behaviour.fail?.(created);
        if (failure) throw failure;
        return session(ort, behaviour);
      },
    },
    Tensor: FakeTensor as never,
  };
  return ort;
}

class FakeTensor {
  readonly type: string;
  readonly data: Float32Array;
  readonly dims: readonly number[];
  constructor(type: string, data: Float32Array, dims: readonly number[]) {
    const size = dims.reduce((product, each) => product * each, 1);
    if (data.length !== size)
      throw new Error(`Tensor's size(${size}) does not match data length(${data.length}).`);
    this.type = type;
    this.data = data;
    this.dims = dims;
  }
}

function session(ort: FakeOrt, { runGate, failRuns }: FakeBehaviour): OrtSession {
  return {
    inputNames: ["x"],
    outputNames: ["y"],
    run: async (feeds) => {
      const given = feeds as Readonly<Record<string, FakeTensor>>;
      ort.runs.push(given as never);
      await runGate;
      if (failRuns) throw failRuns;
      const x = given["x"] as FakeTensor;
      if (x.data[0] === -1) throw new Error("negative");
      const y = new FakeTensor(
        "float32",
        x.data.map((value) => value + 1),
        x.dims,
      );
      const total = given["total"];
      if (!total) return { y };
      return {
        y,
        next: new FakeTensor(
          "float32",
          total.data.map((value) => value + (x.data[0] ?? 0)),
          total.dims,
        ),
      };
    },
    release: async () => {
      ort.released += 1;
    },
  };
}
