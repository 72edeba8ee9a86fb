/** What is needed once the weights are under way: loaded beside them, and never by a page that only plans or preloads. */
export { loadedModel } from "./model.ts";
export { startSession } from "./start.ts";
