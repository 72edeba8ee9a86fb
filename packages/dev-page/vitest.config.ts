import { defineConfig, type ViteUserConfig } from "vitest/config";

const config: ViteUserConfig = defineConfig({
  test: {
    retry: process.env["CI"] ? 1 : 0,
    expect: { poll: { timeout: 60_000 } },
    include: ["tests/**/*.test.ts"],
    testTimeout: 90_000,
    hookTimeout: 90_000,
  },
});

export default config;
