// Builds the three files of the console into `dist/`, which is committed: the server embeds them without node.
// `npm test` builds them again and compares.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const file = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));

/** What the three files hold, by their names. */
export async function built() {
  const { outputFiles } = await build({
    entryPoints: { app: file("src/app.ts") },
    absWorkingDir: file("."),
    outdir: file("dist"),
    bundle: true,
    write: false,
    format: "esm",
    minify: true,
    target: "es2022",
    legalComments: "none",
    logLevel: "warning",
    define: { "process.env.NODE_ENV": '"production"' },
  });
  const css = await build({
    entryPoints: [file("src/app.css")],
    bundle: true,
    write: false,
    minify: true,
    logLevel: "warning",
  });
  return {
    "index.html": readFileSync(file("src/index.html"), "utf8"),
    "app.js": outputFiles[0].text,
    "app.css": css.outputFiles[0].text,
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(file("dist"), { recursive: true });
  for (const [name, text] of Object.entries(await built())) writeFileSync(file(`dist/${name}`), text);
}
