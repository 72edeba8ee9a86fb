import { modelpack } from "./plugin.ts";

const plugin: typeof modelpack.vite = modelpack.vite;

export default plugin;
