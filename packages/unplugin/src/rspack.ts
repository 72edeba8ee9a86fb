import { modelpack } from "./plugin.ts";

const plugin: typeof modelpack.rspack = modelpack.rspack;

export default plugin;
