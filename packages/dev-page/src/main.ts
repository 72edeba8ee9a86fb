/** The page: follows the server, lists what is published, and lets a variant be tried. */
import { byId, element } from "./dom.ts";
import { bytes, count } from "./format.ts";
import { type Choice, modelCards } from "./models.ts";
import { Panel } from "./panel.ts";
import { follow, type Manifest, readManifest, type State } from "./server.ts";
import type { Sample } from "./tensors.ts";

const panel = new Panel(byId("bench"));
let state: State | undefined;
let manifest: Manifest | undefined;
let shown = "";
let choice: Choice | undefined;

await follow(become, (isLost) => {
  document.documentElement.toggleAttribute("data-lost", isLost);
  if (isLost) status("lost", "disconnected");
  else if (state) status(state.status, state.status);
});

async function become(next: State): Promise<void> {
  state = next;
  document.title = `${next.project} · modelpack dev`;
  byId("project").textContent = next.project;
  status(next.status, next.status);
  const trouble = byId("trouble");
  trouble.hidden = next.error === "";
  trouble.textContent = next.error;
  if (next.manifest && next.sha256 !== shown) {
    manifest = await readManifest(next.manifest);
    shown = next.sha256;
    await select(stillThere(choice, manifest) ?? first(manifest));
  }
  draw();
}

function draw(): void {
  if (!state) return;
  const place = byId("models");
  if (!manifest) {
    const text =
      state.status === "failed" ? "Nothing has been published yet." : "The first build is running.";
    place.replaceChildren(element("p", { class: "empty" }, text));
    return;
  }
  byId("facts").textContent = facts(manifest, state);
  place.replaceChildren(...modelCards({ state, manifest, chosen: choice, choose }));
}

function choose(next: Choice): void {
  void select(next).then(() => {
    draw();
    reveal(byId("bench"));
  });
}

/** On narrow pages the panel lies below the list. */
function reveal(panel: HTMLElement): void {
  if (panel.getBoundingClientRect().top > 0.7 * innerHeight) panel.scrollIntoView({ block: "start" });
}

async function select(next: Choice | undefined): Promise<void> {
  choice = next;
  const model = next && manifest?.models[next.model];
  if (!state || !next || !model) return;
  const pinned = { manifestUrl: new URL(state.manifest, location.href).href, sha256: state.sha256 };
  const samples = await samplesOf(state.samples[next.model]);
  if (choice !== next) return; // another was chosen meanwhile
  await panel.show({ choice: next, model, pinned, samples, hasRuntime: state.hasRuntime });
}

async function samplesOf(url: string | undefined): Promise<readonly Sample[]> {
  return url ? ((await (await fetch(url)).json()) as readonly Sample[]) : [];
}

function first(from: Manifest): Choice | undefined {
  const model = Object.keys(from.models)[0];
  return model === undefined ? undefined : { model, variant: undefined };
}

function stillThere(before: Choice | undefined, now: Manifest): Choice | undefined {
  if (!before) return undefined;
  const variants = now.models[before.model]?.variants;
  if (!variants) return undefined;
  return before.variant === undefined || variants.some(({ id }) => id === before.variant)
    ? before
    : undefined;
}

function facts(from: Manifest, now: State): string {
  const models = Object.values(from.models);
  const variants = models.flatMap((model) => model.variants);
  const total = variants.reduce((sum, { size }) => sum + size.transfer, 0);
  const amount = `${count(variants.length, "variant")} of ${count(models.length, "model")}`;
  return `${amount} · ${bytes(total)} published · ${now.sha256.slice(0, 8)}`;
}

function status(kind: string, text: string): void {
  const place = byId("status");
  place.dataset["status"] = kind;
  place.textContent = text;
}
