/** The list of models and variants: what each costs to fetch, how exact it is, and what limits it breaks. */
import { button, element } from "./dom.ts";
import { bytes, count, figure, milliseconds, typeAndShape } from "./format.ts";
import {
  chunkCount,
  type Manifest,
  type Model,
  type State,
  type Value,
  type Variant,
  type Verdict,
} from "./server.ts";

/** A variant, or none: then the loader chooses as it would for a page. */
export interface Choice {
  readonly model: string;
  readonly variant: string | undefined;
}

export interface ListOptions {
  readonly state: State;
  readonly manifest: Manifest;
  readonly chosen: Choice | undefined;
  readonly choose: (choice: Choice) => void;
}

/** A card for each model. */
export function modelCards(options: ListOptions): readonly HTMLElement[] {
  return Object.entries(options.manifest.models).map(([id, model]) => card(id, model, options));
}

function card(id: string, model: Model, options: ListOptions): HTMLElement {
  const largest = Math.max(...model.variants.map(({ size }) => size.transfer));
  const isChosen = options.chosen?.model === id && options.chosen.variant === undefined;
  const automatic = button("As a page would", { class: "quiet-button", "aria-pressed": `${isChosen}` }, () =>
    options.choose({ model: id, variant: undefined }),
  );
  const rows = model.variants.map((variant) => row(id, variant, largest, options));
  return element(
    "article",
    { class: "card model" },
    element(
      "header",
      {},
      element("h2", {}, id),
      element("span", { class: "tag" }, `load ${model.load}`),
      automatic,
    ),
    element("ul", { class: "variants" }, ...rows),
    element(
      "details",
      { class: "signature" },
      element(
        "summary",
        {},
        `${count(model.inputs.length, "input")}, ${count(model.outputs.length, "output")}`,
      ),
      element("dl", {}, ...values("in", model.inputs), ...values("out", model.outputs)),
    ),
  );
}

function row(id: string, variant: Variant, largest: number, options: ListOptions): HTMLElement {
  const { state, manifest, chosen, choose } = options;
  const isChosen = chosen?.model === id && chosen.variant === variant.id;
  const share = Math.max(2, Math.round((100 * variant.size.transfer) / largest));
  const made = button("", { class: "variant", "aria-pressed": `${isChosen}` }, () =>
    choose({ model: id, variant: variant.id }),
  );
  const bar = element("progress", { class: "weight", max: 100, value: share, "aria-hidden": "true" });
  made.append(
    element("span", { class: "name" }, variant.id),
    element("span", { class: "device", "data-device": variant.device }, variant.device),
    element("span", { class: "exactness" }, exactness(id, variant, state)),
    element(
      "span",
      { class: "size" },
      element("strong", {}, bytes(variant.size.transfer)),
      element("span", { class: "quiet" }, count(chunkCount(manifest, variant), "chunk")),
    ),
    bar,
  );
  const broken = brokenLimits(id, variant, state);
  if (broken) made.append(element("span", { class: "broken" }, broken));
  return element("li", {}, made);
}

/** The first figure of accuracy, which is the one that the configuration names first. */
function exactness(id: string, variant: Variant, state: State): string {
  const report = state.report?.variants.find((one) => one.model === id && one.variant === variant.id);
  const first = report?.evaluation?.metrics[0];
  // Rounded down: 0.99997 is not 1.
  const value = first && Math.floor(first.value * 1e4) / 1e4;
  return value === undefined ? "" : `${first?.metric.replaceAll("_", " ")} ${value.toFixed(4)}`;
}

function brokenLimits(id: string, variant: Variant, state: State): string {
  const broken = state.report?.verdicts.filter(
    (one) => one.model === id && one.variant === variant.id && !one.passed,
  );
  return (broken ?? []).map(limitText).join(" · ");
}

/** `download 112 kB, at most 110 kB`. */
export function limitText({ quantity, comparison, limit, measured }: Verdict): string {
  const name = quantity.replaceAll("_", " ");
  if (measured === null) return `${name} was not measured`;
  const bound = comparison === "<=" ? "at most" : "at least";
  return `${name} ${amount(quantity, measured)}, ${bound} ${amount(quantity, limit)}`;
}

const BYTES: ReadonlySet<string> = new Set(["assets", "download", "memory", "size", "update"]);
const TIME = /^(?:load_time|latency|first_inference)/;

function amount(quantity: string, value: number): string {
  if (BYTES.has(quantity)) return bytes(value);
  return TIME.test(quantity) ? milliseconds(1000 * value) : figure(value);
}

function values(role: string, list: readonly Value[]): readonly HTMLElement[] {
  return list.flatMap(({ name, type, shape }) => [
    element("dt", {}, element("span", { class: "role" }, role), name),
    element("dd", {}, typeAndShape(type, shape)),
  ]);
}
