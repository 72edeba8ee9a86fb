/** The panel in which a variant is loaded, run, and put under stress. */
import { type LoadedModel, modelCache, type Progress } from "@modelpack/loader";
import { CONDITIONS, type Condition } from "./conditions.ts";
import { button, element } from "./dom.ts";
import { bytes, count, milliseconds } from "./format.ts";
import type { Choice } from "./models.ts";
import { outputBlocks } from "./outputs.ts";
import type { Model, Value } from "./server.ts";
import {
  boundDimensions,
  freeDimensions,
  generatedFeeds,
  type Sample,
  sampleFeeds,
  zeroFeeds,
} from "./tensors.ts";
import { errorText, loadChoice, type Pinned, runSteps } from "./trial.ts";

export interface Subject {
  readonly choice: Choice;
  readonly model: Model;
  readonly pinned: Pinned;
  readonly samples: readonly Sample[];
  readonly hasRuntime: boolean;
}

const PHASES: Readonly<Record<Progress["phase"], string>> = {
  manifest: "reading the manifest",
  runtime: "starting onnxruntime",
  download: "downloading",
  session: "creating the session",
  done: "loaded",
};

/** A panel in that place. */
export class Panel {
  readonly #place: HTMLElement;
  readonly #conditions = new Set<Condition>();
  readonly #log = element("ol", { class: "log", "aria-label": "What happened" });
  #subject: Subject | undefined;
  #loaded: LoadedModel | undefined;
  #abort = new AbortController();

  constructor(place: HTMLElement) {
    this.#place = place;
  }

  /** Shows this subject from now on; what was loaded is released. */
  async show(subject: Subject): Promise<void> {
    this.#subject = subject;
    await this.#release();
    this.#log.replaceChildren();
    this.#draw();
  }

  #draw(): void {
    const subject = this.#subject;
    if (!subject) return;
    const { model, variant } = subject.choice;
    const name = element("h2", {}, model, element("span", { class: "quiet" }, `@${variant ?? "auto"}`));
    const why = variant ? "" : "The loader chooses the variant, as it does in your page.";
    const progress = element("div", { class: "progress", hidden: true });
    const results = element("div", { class: "results" });
    const running = element("div", { class: "running", hidden: true });
    const loading = button("Load", { class: "primary", disabled: !subject.hasRuntime }, () =>
      this.#load(subject, { loading, progress, running, results }),
    );
    const clear = button("Empty the browser's cache", { class: "quiet-button" }, async () => {
      await modelCache.clear();
      this.#say("the cache of this browser is empty");
    });
    const parts = [
      element("header", {}, name, element("p", { class: "quiet" }, why)),
      subject.hasRuntime ? undefined : missingRuntime(),
      this.#conditionChips(),
      element("div", { class: "actions" }, loading, clear),
      progress,
      running,
      results,
      this.#log,
    ];
    this.#place.replaceChildren(
      element("div", { class: "card" }, ...parts.filter((part) => part !== undefined)),
    );
  }

  #conditionChips(): HTMLElement {
    const chips = Object.entries(CONDITIONS).map(([id, [title, meaning]]) => {
      const condition = id as Condition;
      const chip = button(
        title,
        { class: "chip", title: meaning, "aria-pressed": `${this.#conditions.has(condition)}` },
        () => {
          if (!this.#conditions.delete(condition)) this.#conditions.add(condition);
          chip.setAttribute("aria-pressed", `${this.#conditions.has(condition)}`);
        },
      );
      return chip;
    });
    return element("fieldset", { class: "conditions" }, element("legend", {}, "Simulate"), ...chips);
  }

  async #load(subject: Subject, places: Places): Promise<void> {
    await this.#release();
    const { loading, progress, running, results } = places;
    const { signal } = this.#abort;
    const { bar, text, facts } = progressParts();
    progress.replaceChildren(bar, text, facts);
    progress.hidden = false;
    progress.dataset["state"] = "going";
    results.replaceChildren();
    running.hidden = true;
    loading.disabled = true;
    try {
      const { model, why, tookMs } = await loadChoice(subject.choice, subject.pinned, {
        conditions: this.#conditions,
        signal,
        watcher: {
          progress: (now) => showProgress(now, { bar, text, facts }),
          warning: (warning) => this.#say(warning, "warning"),
        },
      });
      if (signal.aborted) return void (await model.release());
      this.#loaded = model;
      progress.dataset["state"] = "done";
      text.textContent = `loaded in ${milliseconds(tookMs)}`;
      this.#say(`${model.variant.id} on ${model.device}: ${why}`, "good");
      for (const { variant, error } of model.steppedDown)
        this.#say(`${variant.id} did not do: ${errorText(error)}`, "warning");
      running.replaceChildren(...this.#runControls(subject, model, results));
      running.hidden = false;
    } catch (reason) {
      if (signal.aborted) return;
      progress.dataset["state"] = "failed";
      text.textContent = "failed";
      this.#say(errorText(reason), "bad");
    } finally {
      loading.disabled = false;
      loading.textContent = "Load again";
    }
  }

  #runControls(subject: Subject, model: LoadedModel, results: HTMLElement): readonly HTMLElement[] {
    const { samples } = subject;
    const inputs = model.inputMetadata;
    const isState = ({ name }: Value): boolean => subject.model.state.some(({ input }) => input === name);
    const [carried, given] = [inputs.filter(isState), inputs.filter((input) => !isState(input))];
    const named = freeDimensions(given);
    const source = element(
      "select",
      { id: "source" },
      ...samples.map((sample, index) => element("option", { value: index }, sample.name)),
      element("option", { value: "generated" }, "generated inputs"),
    );
    // Sizes of a state alone, such as the length of a past, begin with 0 and can be chosen for samples, too.
    const dimensions = freeDimensions(inputs).map((name) => {
      const value = named.includes(name) ? 1 : 0;
      return element("input", { type: "number", min: 0, max: 4096, value, name, id: `dimension-${name}` });
    });
    const labels = dimensions.map((input) => element("label", { for: input.id }, input.name, input));
    const sizes = element("span", { class: "sizes" }, ...labels);
    const showSizes = (): void => {
      for (const [index, { name }] of dimensions.entries()) {
        const label = labels[index];
        if (label) label.hidden = source.value !== "generated" && named.includes(name);
      }
    };
    source.addEventListener("change", showSizes);
    showSizes();
    const run = button("Run", { class: "primary" }, async () => {
      const sample = samples[Number(source.value)];
      const chosen = Object.fromEntries(dimensions.map((input) => [input.name, Number(input.value)]));
      run.disabled = true;
      try {
        const steps = sample ? sample.steps.map(sampleFeeds) : [generatedFeeds(inputs, chosen, Math.random)];
        const bound = { ...chosen, ...boundDimensions(given, steps[0] ?? {}) };
        const state = sample && carried.length > 0 ? { initial: zeroFeeds(carried, bound) } : undefined;
        const { outputs, tookMs } = await runSteps(model, steps, state);
        results.replaceChildren(latency(tookMs), ...outputBlocks(outputs));
      } catch (reason) {
        this.#say(errorText(reason), "bad");
      } finally {
        run.disabled = false;
      }
    });
    return [element("label", { for: "source" }, "Input", source), sizes, run];
  }

  #say(text: string, kind = "plain"): void {
    this.#log.prepend(element("li", { "data-kind": kind }, text));
  }

  async #release(): Promise<void> {
    this.#abort.abort();
    this.#abort = new AbortController();
    const loaded = this.#loaded;
    this.#loaded = undefined;
    await loaded?.release();
  }
}

interface Places {
  readonly loading: HTMLButtonElement;
  readonly progress: HTMLElement;
  readonly running: HTMLElement;
  readonly results: HTMLElement;
}

interface ProgressParts {
  readonly bar: HTMLProgressElement;
  readonly text: HTMLElement;
  readonly facts: HTMLElement;
}

function progressParts(): ProgressParts {
  return {
    bar: element("progress", { max: 1, value: 0, "aria-label": "Loading" }),
    text: element("strong", {}),
    facts: element("span", { class: "quiet" }),
  };
}

function showProgress(now: Progress, { bar, text, facts }: ProgressParts): void {
  bar.value = now.fraction;
  text.textContent = `${PHASES[now.phase]}, ${Math.round(100 * now.fraction)} %`;
  const cached = now.cachedBytes > 0 ? `${bytes(now.cachedBytes)} from the cache` : "";
  const fetched =
    now.totalTransferBytes > 0 ? `${bytes(now.transferredBytes)} of ${bytes(now.totalTransferBytes)}` : "";
  const rate = now.transferredBytes > 0 ? `${bytes(Math.round(now.bytesPerSecond))}/s` : "";
  facts.textContent = [fetched, cached, rate].filter(Boolean).join(" · ");
}

function latency(tookMs: readonly number[]): HTMLElement {
  const total = tookMs.reduce((sum, each) => sum + each, 0);
  const each = tookMs.length > 1 ? `, ${milliseconds(total / tookMs.length)} each` : "";
  return element(
    "p",
    { class: "latency" },
    element("strong", {}, milliseconds(total)),
    ` for ${count(tookMs.length, "call")}${each}`,
  );
}

function missingRuntime(): HTMLElement {
  return element(
    "p",
    { class: "hint" },
    "Models cannot run here yet: ",
    element("code", {}, "npm install onnxruntime-web"),
    " in the project, then start modelpack dev again.",
  );
}
