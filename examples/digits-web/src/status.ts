/** How far the model is, which one it is, and why. */
import type { LoadedModel, LoadPlan, Progress } from "@modelpack/loader";

export interface Status {
  readonly planned: (plan: LoadPlan) => void;
  readonly progressed: (progress: Progress) => void;
  readonly ready: (model: LoadedModel, plan: LoadPlan) => void;
  readonly answered: (milliseconds: number) => void;
  readonly failed: (error: unknown) => void;
}

export interface StatusElements {
  readonly page: HTMLElement;
  readonly track: HTMLElement;
  readonly done: HTMLElement;
  readonly status: HTMLElement;
  readonly facts: HTMLElement;
}

const DOING: Readonly<Record<Progress["phase"], string>> = {
  manifest: "Reading the manifest",
  runtime: "Starting the runtime",
  download: "Downloading the model",
  session: "Preparing the model",
  done: "Ready",
};
const DEVICES: Readonly<Record<string, string>> = { wasm: "WebAssembly", webgpu: "WebGPU" };

/** Writes into the elements of index.html. */
export function statusIn({ page, track, done, status, facts }: StatusElements): Status {
  const fact = (text: string): HTMLElement => {
    const item = document.createElement("li");
    item.textContent = text;
    facts.append(item);
    return item;
  };
  let time: HTMLElement | undefined;
  return {
    planned: ({ variant, transferBytes }) => {
      const what = transferBytes ? `Downloading ${kilobytes(transferBytes)}` : "Already stored";
      status.textContent = `${what}: ${variant.id} …`;
    },
    progressed: ({ fraction, phase }) => {
      done.style.setProperty("--share", String(fraction));
      track.setAttribute("aria-valuenow", String(Math.round(fraction * 100)));
      if (phase !== "done") status.textContent = `${DOING[phase]} … ${Math.round(fraction * 100)} %`;
    },
    ready: ({ variant, device, steppedDown }, { why, transferBytes }) => {
      page.classList.add("ready");
      const stepped = steppedDown.map(
        (each) => ` ${each.variant.id} was tried first: ${each.error.message}.`,
      );
      status.textContent = `${variant.id} was chosen: ${why}.${stepped.join("")}`;
      fact(variant.id);
      fact(DEVICES[device] ?? device);
      fact(transferBytes ? `${kilobytes(transferBytes)} downloaded` : "from this browser's storage");
      time = fact("draw to see the time of an answer");
    },
    answered: (milliseconds) => {
      if (time) time.textContent = `${milliseconds.toFixed(1)} ms per answer`;
    },
    failed: (error) => {
      page.classList.add("failed");
      status.textContent = error instanceof Error ? error.message : String(error);
    },
  };
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(bytes < 100_000 ? 1 : 0)} kB`;
}
