import { defineConfig, type ViteUserConfig } from "vitest/config";

const config: ViteUserConfig = defineConfig({
  test: { include: ["tests/*.browser.ts"], testTimeout: 30_000 },
});

export default config;
