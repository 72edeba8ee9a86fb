/** What a session needs beyond its bytes: loaded beside the manifest, and never by a page that only plans or preloads. */
export { loadFirst } from "./attempt.ts";
export { startEarly } from "./early.ts";
export { fetchInputs } from "./inputs.ts";
