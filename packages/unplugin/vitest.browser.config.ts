import { defineConfig, type ViteUserConfig } from "vitest/config";

const config: ViteUserConfig = defineConfig({
  test: { include: ["tests/browser/**/*.browser.ts"], testTimeout: 60_000, hookTimeout: 120_000 },
});

export default config;
