import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/browser/**/*.shots.ts"],
    fileParallelism: false,
    maxWorkers: 1,
    testTimeout: 240_000,
  },
});
