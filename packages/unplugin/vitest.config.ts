import { defineConfig, type ViteUserConfig } from "vitest/config";

const config: ViteUserConfig = defineConfig({
  test: { retry: process.env["CI"] ? 1 : 0, include: ["tests/**/*.test.ts"], testTimeout: 30_000 },
});

export default config;
