/**
 * The runtime of the last visit, started beside the manifest. It cannot wait for it: onnxruntime's start takes half of
 * a warm visit. A note of its device and of the address of its wasm is kept with the chunks.
 */
import { isShared } from "./chunks.ts";
import type { Engine } from "./engine.ts";
import type { Environment } from "./environment.ts";
import { openRuntime, type Runtime } from "./open-runtime.ts";
import { DEVICES } from "./select.ts";
import type { ModelReference } from "./types.ts";

export interface Early {
  /** The runtime, if it is for this device and nobody has taken it. */
  take(device: string): Promise<Runtime> | undefined;
  /** Ends it, unless it was taken. */
  discard(): void;
}

interface Note {
  readonly device: string;
  /** Empty where the browser did not say. */
  readonly wasm: string;
}

/** The runtime that the model needed last time; undefined where there was no last time, or the caller wants another. */
export async function startEarly(
  reference: ModelReference,
  environment: Environment,
): Promise<Early | undefined> {
  const { device = "auto", worker, ort } = environment.options;
  const note =
    worker === false || worker === "shared" || ort ? undefined : await readNote(reference, environment);
  if (!note || environment.signal?.aborted || (device !== "auto" && device !== note.device)) return undefined;
  const opening = openRuntime(note.device, environment, { wasm: note.wasm });
  opening.catch(() => undefined); // whoever takes it hears of it
  let isTaken = false;
  return {
    take: (wanted) => {
      if (isTaken || wanted !== note.device) return undefined;
      isTaken = true;
      return opening;
    },
    discard: () => {
      if (!isTaken)
        void opening.then(({ engine }: { engine: Engine }) => engine.close()).catch(() => undefined);
    },
  };
}

/** Keeps what the next visit can start with. */
export async function rememberRuntime(
  reference: ModelReference,
  environment: Environment,
  { device, wasm, isPacked }: Note & { readonly isPacked: boolean },
): Promise<void> {
  const { store } = environment.keeper;
  const { signal } = environment.options; // the caller's: the attempt's own has ended
  if (!isShared(store)) return;
  const known = await readNote(reference, environment);
  if (isPacked && !known) return; // what the pack has waits for the manifest
  if (!isPacked && known?.device === device && (!wasm || known.wasm === wasm)) return; // what was handed over has no address
  const key = await noteKey(reference, environment);
  if (!key || signal?.aborted) return;
  if (isPacked) await store.remove(key, signal);
  else await store.write(key, new TextEncoder().encode(JSON.stringify({ device, wasm })), signal);
}

async function readNote(reference: ModelReference, environment: Environment): Promise<Note | undefined> {
  try {
    const key = await noteKey(reference, environment);
    const found = key && (await environment.keeper.store.read(key, environment.signal));
    const note: unknown = found && JSON.parse(new TextDecoder().decode(found));
    const { device, wasm } = note as Note;
    return DEVICES.includes(device) && typeof wasm === "string" ? { device, wasm } : undefined;
  } catch {
    return undefined; // none, or none of ours
  }
}

async function noteKey(
  { manifestUrl, model }: ModelReference,
  { hasher }: Environment,
): Promise<string | undefined> {
  return hasher && `runtime-${await hasher(new TextEncoder().encode(`${manifestUrl}#${model}`))}`;
}
