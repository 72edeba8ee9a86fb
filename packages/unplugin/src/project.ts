/** One bundler's view of one modelpack.toml: what is published, and where it lies in the output. */
import { resolve } from "node:path";
import { packFiles } from "./copy.ts";
import { PluginError } from "./failure.ts";
import type { Options } from "./options.ts";
import { type Pack, readPack } from "./pack.ts";
import { type AddressOf, isInside, packPath, type StaticFile, slashes } from "./placement.ts";
import { loaderFolder, type Runtime, readRuntime, useRuntime } from "./runtime.ts";
import { checkSizes } from "./sizes.ts";
import { buildPack, watchPack } from "./tool.ts";

/** What a bundler knows about its folders. */
export interface Folders {
  readonly root: string;
  /** What it copies to the output by itself. */
  readonly publicDir?: string | undefined;
  /** What the names of immutable files begin with in its output. */
  readonly immutable?: string;
}

export interface Published {
  readonly pack: Pack;
  readonly packPath: string;
  readonly runtime: Runtime | undefined;
  readonly loader: string | undefined;
}

/** What is told after a build in the background: that another pack is published, or what is wrong. */
export type Changed = (change: Published | PluginError) => void;

export interface Project {
  /** Has to be called before anything else. */
  readonly locate: (folders: Folders) => void;
  /** Runs `modelpack build`; until it has ended, all that follows waits. */
  readonly build: () => Promise<Published>;
  /** Runs `modelpack watch` until this process ends; a second time does nothing. */
  readonly watch: () => void;
  /** Ends the watch, if there is one. */
  readonly stop: () => void;
  /** Calls back after each build of the watch. */
  readonly onChange: (changed: Changed) => void;
  /** What is published now. Rejects as the build did. */
  readonly published: () => Promise<Published>;
  /** A file of the loader, made to use the published runtime; undefined for any other file. */
  readonly transform: (code: string, id: string, addressOf: AddressOf) => Promise<string | undefined>;
  /** What the bundler has to publish, without what it copies by itself. */
  readonly staticFiles: () => Promise<readonly StaticFile[]>;
}

const BUG = "report this as a bug of @modelpack/unplugin";

/** A project whose bundler has not said yet where it is. */
export function openProject({ root: configured, splitRuntime = true }: Options): Project {
  let folders: Folders | undefined;
  let current: Promise<Published> | undefined;
  let isWatched = false;
  let stop: (() => void) | undefined;
  const listeners: Changed[] = [];

  const located = (): Folders => {
    if (!folders) throw new PluginError("the bundler did not say where it is", BUG);
    return folders;
  };
  const root = (): string => resolve(located().root, configured ?? ".");
  const begin = (next: Promise<Published>): Promise<Published> => {
    current = next;
    next.catch(() => undefined); // whoever imports a model is told
    return next;
  };
  const published = async (): Promise<Published> => {
    if (!current) throw new PluginError("nothing was built", BUG);
    const last = await current;
    // A bundler may hear of a new manifest before we do.
    return isWatched ? renewed(last, last.pack.manifestPath, located()) : last;
  };

  let last: Published | undefined;
  const outcomeOf = async (result: string | PluginError): Promise<Published | PluginError> => {
    if (typeof result !== "string") return result;
    try {
      return await renewed(last, result, located());
    } catch (error) {
      return error instanceof PluginError ? error : new PluginError(String(error), BUG, { cause: error });
    }
  };
  const hear = async (result: string | PluginError): Promise<void> => {
    const change = await outcomeOf(result);
    if (!(change instanceof PluginError)) {
      last = change;
      begin(Promise.resolve(change));
    } else if (!last) begin(Promise.reject(change)); // otherwise the last good one still is what it was
    for (const listener of listeners) listener(change);
  };
  let heard: Promise<void> = Promise.resolve();

  return {
    locate: (given) => {
      folders = given;
    },
    build: () => begin(buildPublished(root(), located(), splitRuntime)),
    watch: () => {
      if (isWatched) return;
      isWatched = true;
      begin(
        new Promise((resolve, reject) => {
          // After the first time these two do nothing.
          listeners.push((change) => (change instanceof PluginError ? reject(change) : resolve(change)));
        }),
      );
      stop = watchPack(root(), (result) => {
        heard = heard.then(() => hear(result)); // in order, or an older pack would win
      });
    },
    stop: () => stop?.(),
    onChange: (changed) => void listeners.push(changed),
    published,
    transform: async (code, id, addressOf) => {
      const { runtime, loader } = await published();
      return runtime && loader && slashes(id).startsWith(`${slashes(loader)}/`)
        ? useRuntime(code, runtime, addressOf)
        : undefined;
    },
    staticFiles: async () => {
      const { pack, packPath: path, runtime } = await published();
      const { publicDir } = located();
      const isCopied = publicDir !== undefined && isInside(pack.folder, publicDir);
      return [...(isCopied ? [] : await packFiles(pack.folder, path)), ...(runtime?.files ?? [])];
    },
  };
}

async function buildPublished(root: string, folders: Folders, mustSplit: boolean): Promise<Published> {
  const built = await buildPack(root);
  const published = await describe(await readPack(built.manifestPath), folders, mustSplit);
  await checkSizes(published.runtime?.files ?? [], built);
  return published;
}

/** The same object as long as the manifest has the same bytes. */
async function renewed(last: Published | undefined, path: string, folders: Folders): Promise<Published> {
  const pack = await readPack(path);
  return last?.pack.sha256 === pack.sha256 ? last : describe(pack, folders);
}

/** With `mustSplit` onnxruntime is cut in two: only builds that are published take the time for that. */
async function describe(
  pack: Pack,
  { root, publicDir, immutable = "" }: Folders,
  mustSplit = false,
): Promise<Published> {
  const loader = loaderFolder(root);
  const devices = [...new Set(Object.values(pack.models).flatMap((model) => model.devices))].sort();
  const needs = { devices, packed: pack.runtime, called: mustSplit ? pack : undefined };
  const runtime = loader ? await readRuntime({ root, loader }, needs, immutable) : undefined;
  return { pack, packPath: packPath(pack.folder, publicDir), runtime, loader };
}
