import { modelpack } from "./plugin.ts";

const plugin: typeof modelpack.esbuild = modelpack.esbuild;

export default plugin;
