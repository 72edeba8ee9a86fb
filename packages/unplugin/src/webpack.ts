import { modelpack } from "./plugin.ts";

const plugin: typeof modelpack.webpack = modelpack.webpack;

export default plugin;
