// The page of the main README, as it stands there.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { found, launch, Site } from "./browser.js";
import { Server } from "./server.js";

const README = readFileSync(new URL("../../../../README.md", import.meta.url), "utf8");
const PAGE = /```html\n([\s\S]*?)```/.exec(README)?.[1] ?? "";
const LINES_MAX = 15;

test.each(found())("the page of the README shows who is here, in %s", async (kind) => {
  expect(PAGE.trimEnd().split("\n").length).toBeLessThanOrEqual(LINES_MAX);
  const server = await Server.start();
  const site = await Site.open();
  const browser = await launch(kind, site);
  try {
    site.texts.set("who.html", PAGE.replace("http://127.0.0.1:2780/web.json", server.card));
    await server.command("enroll", "bob@localhost", "--server", server.address);
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${site.port}/who.html`);
    const shows = (text: string) =>
      page.waitForFunction(
        (text) => document.body.textContent?.includes(text),
        { polling: 100, timeout: 15_000 },
        text,
      );
    await shows("pres:me@localhost is here reading this page");
    await shows("pres:bob@localhost is away");
    await server.command("publish", "open", "--note", "at my desk", "--as", "bob@localhost");
    await shows("pres:bob@localhost is here at my desk");
  } finally {
    await browser.close();
    site.close();
    await server.end();
  }
});
