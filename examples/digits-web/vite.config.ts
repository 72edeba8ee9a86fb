import modelpack from "@modelpack/unplugin/vite";
import { defineConfig, type UserConfig } from "vite";

const config: UserConfig = defineConfig({
  base: "./", // works in any folder of any static server
  plugins: [modelpack({ root: "../digits" })],
});

export default config;
