import { defineConfig, type ViteUserConfig } from "vitest/config";

// Two files at once: each drives a browser of its own, and more would only wait for each other.
const config: ViteUserConfig = defineConfig({
  test: {
    retry: process.env["CI"] ? 1 : 0,
    expect: { poll: { timeout: 60_000 } },
    include: ["tests/browser/**/*.browser.ts"],
    globalSetup: ["tests/browser/support/setup.ts"],
    maxWorkers: 2,
  },
});

export default config;
