export type { Options } from "./options.ts";
export { modelpack } from "./plugin.ts";
