import { defineConfig, type ViteUserConfig } from "vitest/config";

const config: ViteUserConfig = defineConfig({
  test: { testTimeout: 30_000, retry: process.env["CI"] ? 1 : 0, include: ["tests/**/*.test.ts"] },
});

export default config;
