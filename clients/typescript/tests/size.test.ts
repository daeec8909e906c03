// What a page has to load of the package, and what may not stand in it.

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";

const BYTES_MAX = 30_000;
const FOLDER = new URL("../dist/bundle/", import.meta.url);

test("what every page loads is under 30 kB compressed, and what it needs where UDP is blocked is apart", () => {
  execFileSync(process.execPath, [new URL("../tools/bundle.mjs", import.meta.url).pathname]);
  const files = readdirSync(FOLDER).filter((name) => name.endsWith(".js"));
  const size = (name: string) => gzipSync(readFileSync(new URL(name, FOLDER)), { level: 9 }).length;
  const always = files.filter((name) => !name.startsWith("qmux"));
  const bytes = always.reduce((sum, name) => sum + size(name), 0);
  console.log(`compressed: ${files.map((name) => `${name} ${size(name)} bytes`).join(", ")}`);
  expect(bytes).toBeLessThan(BYTES_MAX);
  expect(files.length).toBeGreaterThan(always.length);
});

test("it needs no eval, so that a strict content security policy lets it run", () => {
  for (const name of readdirSync(FOLDER)) {
    expect(readFileSync(new URL(name, FOLDER), "utf8")).not.toMatch(/\beval\(|new Function\b/);
  }
});
