/** The plugin, for all bundlers. */
import { createUnplugin, type UnpluginInstance } from "unplugin";
import { applyToCompiler, type CompilerLike } from "./compiler.ts";
import { esbuildHooks } from "./esbuild-hooks.ts";
import { plainHost } from "./host.ts";
import { HINTS, hintsModule, referenceModule } from "./modules.ts";
import type { Options } from "./options.ts";
import { openProject } from "./project.ts";
import { rollupHooks } from "./rollup-hooks.ts";
import { viteHooks } from "./vite-hooks.ts";

const REQUEST = /^(?:modelpack:|~modelpack\/)/;
// A leading zero is how bundlers mark modules that are no files.
const RESOLVED = "\0modelpack:";
const IS_RESOLVED = new RegExp(`^${RESOLVED}`);
const LOADER_FILE = { id: /\.js$/, code: /onnxruntime-web\/|\.\/(?:zstd-)?worker\.js/ };

/** What `vite.ts` and its neighbours export, one bundler each. */
export const modelpack: UnpluginInstance<Options | undefined, false> = createUnplugin<
  Options | undefined,
  false
>((options = {}) => {
  const project = openProject(options);
  const host = plainHost();
  return {
    name: "modelpack",
    enforce: "pre",
    async buildStart() {
      if (host.isWatching()) project.watch();
      else await project.build();
    },
    resolveId: {
      filter: { id: REQUEST },
      handler: (id) => RESOLVED + id.replace(REQUEST, ""),
    },
    load: {
      filter: { id: IS_RESOLVED },
      async handler(id) {
        const isForServer = isServer(this);
        const { pack, packPath } = await project.published();
        this.addWatchFile(pack.manifestPath);
        const name = id.slice(RESOLVED.length);
        const addressOf = host.addressOf(isForServer);
        const code =
          name === HINTS
            ? hintsModule(pack)
            : referenceModule(name, { pack, packPath, addressOf, fetchesItself: !host.addsHints });
        return host.preamble(isForServer) + code;
      },
    },
    transform: {
      filter: LOADER_FILE,
      async handler(code, id) {
        const isForServer = isServer(this);
        const changed = await project.transform(code, id, host.addressOf(isForServer));
        // The loader is minified, and lines are only added at its end: its map stays as good as it was.
        return changed && { code: changed + host.preamble(isForServer), map: null };
      },
    },
    vite: viteHooks(project, host),
    rollup: rollupHooks(project, host),
    webpack: (compiler) => applyToCompiler(compiler as unknown as CompilerLike, project, host),
    rspack: (compiler) => applyToCompiler(compiler as unknown as CompilerLike, project, host),
    esbuild: esbuildHooks(project, host),
  };
});

/** Vite tells hooks whom their code is for; no other bundler has servers. */
function isServer(context: object): boolean {
  const { environment } = context as { environment?: { config?: { consumer?: string } } };
  return environment?.config?.consumer === "server";
}
