import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/browser/**/*.browser.ts"],
    // Browsers and servers share the machine; each test is bounded.
    fileParallelism: false,
    maxWorkers: 1,
    testTimeout: 100_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
  },
});
