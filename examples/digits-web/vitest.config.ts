import { defineConfig, type ViteUserConfig } from "vitest/config";

const config: ViteUserConfig = defineConfig({
  test: { include: ["tests/*.browser.ts"], testTimeout: 120_000, hookTimeout: 60_000 },
});

export default config;
