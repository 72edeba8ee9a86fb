/** What `modelpack dev` tells this page: its state, as events, and what is published. */

export interface Metric {
  readonly metric: string;
  readonly value: number;
}

export interface VariantReport {
  readonly model: string;
  readonly variant: string;
  readonly evaluation: { readonly samples: number; readonly metrics: readonly Metric[] } | null;
}

export interface Verdict {
  readonly model: string;
  readonly variant: string;
  readonly quantity: string;
  readonly comparison: "<=" | ">=";
  readonly limit: number;
  readonly measured: number | null;
  readonly passed: boolean;
}

export interface State {
  readonly project: string;
  readonly status: "starting" | "building" | "ready" | "failed";
  /** The address of the manifest; empty while nothing is published. */
  readonly manifest: string;
  readonly sha256: string;
  readonly error: string;
  readonly hasRuntime: boolean;
  readonly samples: Readonly<Record<string, string>>;
  readonly report: {
    readonly variants: readonly VariantReport[];
    readonly verdicts: readonly Verdict[];
  } | null;
}

export interface Value {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly (number | string)[];
}

export interface Variant {
  readonly id: string;
  readonly dtype: string;
  readonly device: string;
  readonly scheme: string;
  readonly size: { readonly decoded: number; readonly transfer: number };
  readonly graph: string;
  readonly externalData: readonly { readonly file: string }[];
  readonly inputs?: readonly Value[];
}

export interface Model {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly state: readonly { readonly input: string; readonly output: string }[];
  readonly load: string;
  readonly assets: Readonly<Record<string, string>>;
  readonly variants: readonly Variant[];
}

export interface Manifest {
  readonly models: Readonly<Record<string, Model>>;
  readonly files: Readonly<Record<string, { readonly parts: readonly (number | readonly [number | "z"])[] }>>;
}

/** Follows the server. `changed` gets every state; `lost` hears when the server is gone, and again when it is back. */
export async function follow(
  changed: (state: State) => void,
  lost: (isLost: boolean) => void,
): Promise<void> {
  const session = (await (await fetch("/session.json")).json()) as { events: string; token: string };
  const source = new EventSource(`${session.events}?token=${session.token}`);
  source.addEventListener("state", (event) => changed(JSON.parse(event.data) as State));
  source.addEventListener("open", () => lost(false));
  source.addEventListener("error", () => {
    lost(true);
    // Refused: the server was started anew and has another token.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 2000);
  });
}

/** The manifest. The loader checks it before it is used for anything but showing it. */
export async function readManifest(url: string): Promise<Manifest> {
  return (await (await fetch(url)).json()) as Manifest;
}

/** How many chunks a variant needs. */
export function chunkCount(manifest: Manifest, variant: Variant): number {
  const files = [variant.graph, ...variant.externalData.map(({ file }) => file)];
  const chunks = files.flatMap((file) =>
    (manifest.files[file]?.parts ?? []).map((part) => (typeof part === "number" ? part : part[0])),
  );
  return new Set(chunks.filter((chunk) => chunk !== "z")).size;
}
