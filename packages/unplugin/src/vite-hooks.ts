/** Vite: it copies public/ by itself, transforms pages, and has a dev server. */

import type { VitePlugin } from "unplugin";
import type { HtmlTagDescriptor, ResolvedConfig, ViteDevServer } from "vite";
import { copyFiles } from "./copy.ts";
import { PluginError } from "./failure.ts";
import type { Host } from "./host.ts";
import { HINTS, SCHEME } from "./modules.ts";
import { type AddressOf, besideChunk, CHUNK_BASE } from "./placement.ts";
import type { Project } from "./project.ts";
import { fillInRoots } from "./rollup-hooks.ts";
import { serveFile } from "./serve.ts";

/** What Vite needs beside the common hooks. */
export function viteHooks(project: Project, host: Host): Partial<VitePlugin> {
  let isDev = false;
  return {
    // Bundled beforehand, the loader would not be shown to `transform`.
    config: () => ({ optimizeDeps: { exclude: ["@modelpack/loader"] } }),
    configResolved(config) {
      isDev = config.command === "serve";
      settle(project, host, config);
    },
    configureServer(server) {
      serveAndReload(project, server);
    },
    renderChunk: fillInRoots,
    async writeBundle({ dir }) {
      const { consumer } = this.environment.config;
      if (dir && consumer === "client") await copyFiles(await project.staticFiles(), dir);
    },
    closeBundle() {
      if (isDev) project.stop(); // a server that is restarted has a plugin, and a watch, of its own
    },
    transformIndexHtml: {
      order: "pre",
      handler: async () => {
        const { pack } = await project.published();
        const isWanted = Object.values(pack.models).some(({ load }) => load !== "lazy");
        return isWanted && !isDev ? [HINTS_TAG] : [];
      },
    },
  };
}

const HINTS_TAG: HtmlTagDescriptor = {
  tag: "script",
  attrs: { type: "module" },
  children: `import ${JSON.stringify(SCHEME + HINTS)};`,
  injectTo: "head",
};

function settle(project: Project, host: Host, config: ResolvedConfig): void {
  const { base, build, command, publicDir, root } = config;
  const immutable = build.assetsDir && `${build.assetsDir}/`;
  project.locate({ root, publicDir: publicDir || undefined, immutable });
  const fromBase: AddressOf = (path) => JSON.stringify(base + path);
  const isDev = command === "serve";
  host.addressOf = (isForServer) => (isDev || isForServer ? fromBase : besideChunk);
  host.preamble = (isForServer) => (isDev || isForServer ? "" : CHUNK_BASE);
  // Vitest serves too, and ends.
  host.isWatching = () => (isDev && !process.env["VITEST"]) || Boolean(build.watch);
  host.addsHints = true;
}

/** Serves what is published, and reloads pages when something else is. */
function serveAndReload(project: Project, server: ViteDevServer): void {
  const { base } = server.config;
  server.middlewares.use((request, response, next) => {
    project
      .published()
      .then((published) => serveFile(request, response, { base, published }))
      .then((isAnswered) => isAnswered || next(), next);
  });
  let shown: string | undefined; // what pages have been given: a pack's digest, or what was wrong
  project.onChange((change) => {
    const isError = change instanceof PluginError;
    const next = isError ? change.message : change.pack.sha256;
    const isNews = shown !== undefined && shown !== next;
    shown = next;
    if (isError) return showError(server, change);
    for (const environment of Object.values(server.environments)) environment.moduleGraph.invalidateAll();
    if (isNews) server.ws.send({ type: "full-reload" });
  });
}

/** Over the page: the terminal may be out of sight. */
function showError(server: ViteDevServer, { message }: PluginError): void {
  server.ws.send({ type: "error", err: { message, stack: "", plugin: "modelpack" } });
}
