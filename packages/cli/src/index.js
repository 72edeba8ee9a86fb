export { findModelpack, NOT_FOUND } from "./find.js";
