import { defineConfig, type UserConfig } from "vite";

const config: UserConfig = defineConfig({
  base: "./", // works in any folder of any static server
  publicDir: "../digits/public", // models/, as `modelpack build` wrote it
  worker: { format: "es" },
  optimizeDeps: { exclude: ["@modelpack/loader"] },
});

export default config;
