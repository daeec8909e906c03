// Bundles the package for pages that have no bundler, into `dist/bundle/`: one file, and one that is loaded where UDP is blocked.

import { rmSync } from "node:fs";
import { build } from "esbuild";

const outdir = new URL("../dist/bundle/", import.meta.url).pathname;

rmSync(outdir, { recursive: true, force: true });
await build({
  entryPoints: { adsum: new URL("../src/index.ts", import.meta.url).pathname },
  outdir,
  bundle: true,
  format: "esm",
  splitting: true,
  minify: true,
  target: "es2022",
  legalComments: "none",
  logLevel: "warning",
});
