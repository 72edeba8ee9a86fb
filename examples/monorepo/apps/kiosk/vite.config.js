import modelpack from "@modelpack/unplugin/vite";
import { defineConfig } from "vite";

export default defineConfig({ plugins: [modelpack()] });
