// Pictures of every page, empty and full, wide and narrow, light and dark, in `target/console/`, for people to look at.

import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Page } from "puppeteer-core";
import { expect, test } from "vitest";
import { go, OF_THE_NETWORK, PAGES, press, Stage, shows } from "./stage.js";

const FOLDER = fileURLToPath(new URL("../../../../target/console/", import.meta.url));
const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };
/** To see at once what is beneath. */
const TALL = { "desktop-tall": { width: 1280, height: 1800 }, "phone-tall": { width: 390, height: 2200 } };
const NARROWEST = { width: 360, height: 740 };
const OTHERS: readonly (readonly [name: string, status: string, note: string])[] = [
  ["bob", "open", "at my desk until four"],
  ["carol", "closed", "in a meeting"],
  ["dave", "open", ""],
  [
    "erin.with-a-rather-long-name",
    "open",
    "writing the release notes, please do not disturb unless the building is on fire",
  ],
];

test("pictures of every page are made, and no page is wider than its window", async () => {
  mkdirSync(FOLDER, { recursive: true });
  const stage = await Stage.open();
  try {
    const entrance = await stage.page();
    await shows(entrance, "Welcome");
    await shoot(entrance, "entrance");
    const invited = await stage.page(`#invite=${stage.server.invite}&name=alice@localhost`);
    await shows(invited, "Welcome, alice");
    await shoot(invited, "invited");
    await press(invited, "Come in");
    await shows(invited, "Who is here");
    for (const [name, title] of PAGES) await shootPage(invited, name, title, "empty");
    await fill(stage, invited);
    for (const [name, title] of PAGES) await shootPage(invited, name, title, "full");
    await shootSpecial(stage, invited);
    expect(stage.faults).toEqual([]);
  } finally {
    await stage.close();
  }
});

async function shootPage(page: Page, name: string, title: string, how: string): Promise<void> {
  await go(page, name, title);
  await settled(page);
  await shoot(page, `${name}-${how}`);
}

/** Everything that can be seen of a server that is in use. */
async function fill(stage: Stage, page: Page): Promise<void> {
  for (const [name, status, note] of OTHERS) {
    await stage.enroll(`${name}@localhost`);
    await stage.command("publish", status, ...(note ? ["--note", note] : []), "--as", `${name}@localhost`);
    await stage.command("rules", "allow", "alice@localhost", "--as", `${name}@localhost`);
  }
  await stage.enroll("frank@localhost");
  await go(page, "people", "Who is here");
  for (const name of [...OTHERS.map(([name]) => name), "frank"]) {
    await page.type(".follow input", name);
    await press(page, "Follow");
    await shows(page, name, ".rows");
  }
  await shows(page, "at my desk", ".rows");
  await page.type(".mine input[name=note]", "reading, and glad to be interrupted");
  await press(page, "Set note");
  await stage.command("watch", "pres:alice@localhost", "--count", "1", "--as", "bob@localhost");
  await stage.command("watch", "pres:alice@localhost", "--count", "1", "--as", "carol@localhost");
  await stage.command("watch", "pres:alice@localhost", "--count", "1", "--as", "dave@localhost");
  await rules(page);
  await letters(stage, page);
}

async function rules(page: Page): Promise<void> {
  await go(page, "audience", "Who sees me");
  await shows(page, "dave", ".request");
  await settled(page);
  await shoot(page, "audience-requests");
  await press(page, "Let bob@localhost see me");
  await shows(page, "bob@localhost may see you", ".rules");
  await page.click("details.add summary");
  await shoot(page, "audience-add");
  await page.select("select[name=about]", "@localhost");
  await page.click("input[name=handling][value=polite-block]");
  await press(page, "Set rule");
  await shows(page, "Everyone at localhost", ".rules");
  await page.type(".card form.line input[name=who]", "bob");
  await press(page, "Look");
  await shows(page, "bob@localhost may see you.", ".eyes");
}

async function letters(stage: Stage, page: Page): Promise<void> {
  await stage.command(
    "send",
    "im:alice@localhost",
    "Are you coming to the station?",
    "--as",
    "bob@localhost",
  );
  await stage.command(
    "send",
    "im:alice@localhost",
    "The train leaves at 17:42 from platform 7.",
    "--as",
    "bob@localhost",
  );
  await stage.command(
    "send",
    "im:alice@localhost",
    "Minutes of the meeting are in the usual place.",
    "--as",
    "carol@localhost",
  );
  await page.evaluate(() => {
    location.hash = "#/messages/bob%40localhost";
  });
  await shows(page, "platform 7", ".lines");
  await page.type("textarea", "Yes! I am on my way, see you there in ten minutes.");
  await press(page, "Send");
  await shows(page, "on my way", ".lines");
}

/** What is only there for a moment. */
async function shootSpecial(stage: Stage, page: Page): Promise<void> {
  await page.evaluate(() => {
    location.hash = "#/messages/bob%40localhost";
  });
  await shows(page, "platform 7", ".lines");
  await settled(page);
  await shoot(page, "conversation");
  await go(page, "devices", "Devices");
  await press(page, "Add a device");
  await shows(page, "Open this on your other device");
  await settled(page);
  await shoot(page, "devices-invite");
  await press(page, "Sign out Chrome on Linux");
  await shows(page, "Sign out this device?");
  await shoot(page, "question");
  await press(page, "Cancel");
  await go(page, "server", "Server");
  await page.type(".card form.line input[name=who]", "bob");
  await press(page, "Look up");
  await shows(page, "What administrators did");
  await settled(page);
  await shoot(page, "server-person");
  await go(page, "people", "Who is here");
  await stage.server.kill();
  await shows(page, "No connection to the server");
  await shoot(page, "offline");
  const others = stage.faults.filter((text) => !OF_THE_NETWORK.test(text));
  stage.faults.splice(0, stage.faults.length, ...others);
}

/** Waits until what was said is gone and nothing is being read. */
async function settled(page: Page): Promise<void> {
  const isQuiet = () =>
    !document.querySelector(".notice:not(.bad)") && !document.body.innerText.includes("Reading…");
  await page.waitForFunction(isQuiet, { polling: 100, timeout: 15_000 });
}

async function shoot(page: Page, name: string): Promise<void> {
  for (const [size, viewport] of Object.entries(SIZES)) {
    await page.setViewport(viewport);
    for (const scheme of ["light", "dark"]) {
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      await page.screenshot({ path: `${FOLDER}${name}-${size}-${scheme}.png` as `${string}.png` });
    }
  }
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
  for (const [size, viewport] of Object.entries(TALL)) {
    await page.setViewport(viewport);
    await page.screenshot({ path: `${FOLDER}${name}-${size}.png` as `${string}.png` });
  }
  await page.setViewport(NARROWEST);
  const spill = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(spill, `${name} is wider than ${NARROWEST.width} pixels`).toBeLessThanOrEqual(0);
  await page.setViewport(SIZES.desktop);
}
