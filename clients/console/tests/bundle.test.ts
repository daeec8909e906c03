// The files in `dist/`, which the server embeds: made of these sources, small, and content with a strict policy.

import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
// @ts-expect-error: a tool without types
import { built } from "../tools/build.mjs";

const NAMES = ["index.html", "app.js", "app.css"];
const GZIP_BYTES_MAX = 80_000;

const kept = (name: string) => readFileSync(new URL(`../dist/${name}`, import.meta.url), "utf8");

test("the files in dist are those that the sources make: run npm run build", async () => {
  const made = (await built()) as Record<string, string>;
  expect(Object.keys(made)).toEqual(NAMES);
  for (const name of NAMES) expect(kept(name) === made[name], name).toBe(true);
});

test("a page loads little", () => {
  const bytes = NAMES.reduce((sum, name) => sum + gzipSync(kept(name)).length, 0);
  expect(bytes).toBeLessThan(GZIP_BYTES_MAX);
});

test("nothing needs more than a strict policy allows, or comes from elsewhere", () => {
  expect(kept("index.html")).not.toMatch(
    /<style|style=|<script[^>]*>[^<]|\son\w+=|https?:\/\/(?!www\.w3\.org)/,
  );
  expect(kept("app.js")).not.toMatch(/\beval\(|new Function\(|\bimport\(|\sstyle="/);
  expect(kept("app.css")).not.toMatch(/url\(|@import/);
});
