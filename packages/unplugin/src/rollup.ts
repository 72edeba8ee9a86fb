import { modelpack } from "./plugin.ts";

const plugin: typeof modelpack.rollup = modelpack.rollup;

export default plugin;
