import spare from "modelpack:spare";
import { modelCache } from "@modelpack/loader";

export const isStored = () => modelCache.isCached(spare);
