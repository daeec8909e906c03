// The console in Chromium against the program, with people at its command line on the other side.

import type { Page } from "puppeteer-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readInvitation } from "../../src/model/link.js";
import { go, hides, OF_THE_NETWORK, PAGES, press, Stage, shows } from "./stage.js";

/** Written as it must be, and made by nobody. */
const UNKNOWN_INVITE = "obyha4dqobyha4dqobyha4dqobyha4dqobyha4dqobyha4dqobye3cks";
/** What somebody must be able to name who does not see it. */
const NAMED = ["button", "link", "textbox", "checkbox", "radio", "switch", "combobox", "img"];

/** Who is signed out at once, and who is there when the server takes leave. */
const OUT = ["trent", "ursula", "victor", "walter", "xenia", "yvonne", "zoe", "zeno"];
const LEFT = ["niaj", "olivia", "peggy", "quentin", "rupert", "sybil"];

let stage: Stage;
let administrator: Page;

beforeAll(async () => {
  stage = await Stage.open();
  // The invite of the first administrator is good as long as nobody is enrolled.
  administrator = await stage.page(`#invite=${stage.server.invite}&name=alice@localhost`);
  await shows(administrator, "Welcome, alice");
  await press(administrator, "Come in");
  await shows(administrator, "Who is here");
  await stage.enroll("bob@localhost");
  await stage.command("rules", "allow", "everyone", "--as", "bob@localhost");
});

afterAll(async () => {
  await stage?.close();
});

test("somebody comes in by choosing a name, sees a change live, and is seen", async () => {
  const page = await stage.enter("carol");
  await page.type(".follow input", "bob");
  await press(page, "Follow");
  await shows(page, "Away", ".row");
  await stage.command("publish", "open", "--note", "at my desk", "--as", "bob@localhost");
  await shows(page, "at my desk", ".row.here");
  await stage.command("publish", "closed", "--note", "gone for lunch", "--as", "bob@localhost");
  await shows(page, "gone for lunch", ".row.away");
  await page.type(".mine input[name=note]", "reading");
  await press(page, "Set note");
  await shows(page, "Your note is shown.");
  await watched(page);
});

/** Bob asks to see the page's owner, is let, and sees what it shows. */
async function watched(page: Page): Promise<void> {
  const before = await stage.command(
    "watch",
    "pres:carol@localhost",
    "--count",
    "1",
    "--as",
    "bob@localhost",
  );
  expect(before).toContain("pending");
  await go(page, "audience", "Who sees me");
  await press(page, "Let bob@localhost see me");
  await shows(page, "bob@localhost may see you", ".rules");
  await shows(page, "Nobody is waiting for an answer.");
  const after = await stage.command("fetch", "pres:carol@localhost", "--as", "bob@localhost");
  expect(after).toContain("reading");
  await page.type("form.line input[name=who]", "bob");
  await press(page, "Look");
  await shows(page, "reading", ".eyes");
  await go(page, "past", "Past");
  await shows(page, "reading", ".events");
  expect(stage.faults).toEqual([]);
}

test("messages go both ways, are there again after the page was closed, and tell that they were read", async () => {
  const page = await stage.enter("dave");
  await stage.command("send", "im:dave@localhost", "Are you there?", "--as", "bob@localhost");
  await shows(page, "1", "nav .badge");
  await go(page, "messages", "Messages");
  await page.click(".threads a.row");
  await shows(page, "Are you there?", ".lines");
  await page.waitForFunction(() => !document.querySelector("nav .badge"), { timeout: 10_000 });
  // By keyboard alone: Enter sends.
  await page.focus("textarea");
  await page.keyboard.type("Yes, I am.");
  await page.keyboard.press("Enter");
  await shows(page, "Sent", ".line-mine");
  await stage.command("delivery", "receipts", "on", "--as", "bob@localhost");
  await page.keyboard.type("And you?");
  await page.keyboard.press("Enter");
  expect(await stage.command("inbox", "--as", "bob@localhost")).toMatch(/Yes, I am\.[\s\S]*And you\?/);
  await shows(page, "Delivered", ".line-mine");
  await page.reload();
  await shows(page, "Are you there?", ".lines");
  await shows(page, "And you?", ".line-mine");
  await hides(page, "1 unread");
  expect(stage.faults).toEqual([]);
});

test("two pages of one browser show the same, and neither reads a message twice", async () => {
  const page = await stage.enter("erin");
  const other = await page.browserContext().newPage();
  await other.goto(`${stage.server.url}#/messages/bob%40localhost`);
  await shows(other, "Nothing was written yet.");
  await stage.command("send", "im:erin@localhost", "to both of you", "--as", "bob@localhost");
  await shows(other, "to both of you", ".lines");
  await page.evaluate(() => {
    location.hash = "#/messages/bob%40localhost";
  });
  await shows(page, "to both of you", ".lines");
  expect(await other.$$eval(".line-theirs", (lines) => lines.length)).toBe(1);
  await other.close();
  await stage.command("send", "im:erin@localhost", "to the one that is left", "--as", "bob@localhost");
  await shows(page, "to the one that is left", ".lines");
  expect(stage.faults).toEqual([]);
});

test("an invite link enrols an administrator, leaves the address at once, and makes further ones", async () => {
  const page = administrator;
  expect(page.url()).not.toContain("invite");
  expect(await page.evaluate(() => history.length)).toBeLessThanOrEqual(2);
  await go(page, "server", "Server");
  await shows(page, "localhost", "table");
  await shows(page, "Last entry of the log", ".plot");
  await press(page, "Look up bob@localhost");
  await shows(page, "bob@localhost", ".person");
  await go(page, "devices", "Devices");
  await page.type(".wrap input[name=who]", "frank");
  await press(page, "Make an invite");
  await shows(page, "For frank@localhost");
  const link = await page.$eval(".fresh input", (input) => (input as HTMLInputElement).value);
  const frank = await stage.page(new URL(link).hash);
  await shows(frank, "Welcome, frank");
  await press(frank, "Come in");
  await shows(frank, "Who is here");
  await named(page);
  expect(stage.faults).toEqual([]);
});

/** Everything that one can do has a name. */
async function named(page: Page): Promise<void> {
  for (const [name, title] of PAGES) {
    await go(page, name, title);
    const nameless: string[] = [];
    const look = (node: { role: string; name?: string; children?: unknown[] }) => {
      if (NAMED.includes(node.role) && !node.name) nameless.push(node.role);
      for (const child of node.children ?? []) look(child as typeof node);
    };
    look((await page.accessibility.snapshot({ interestingOnly: true })) as never);
    expect(nameless, name).toEqual([]);
  }
}

test("an invite that is good for nothing says what to do, and another name can be tried", async () => {
  const page = await stage.page(`#invite=${UNKNOWN_INVITE}&name=grace@localhost`);
  await shows(page, "Welcome, grace");
  await press(page, "Come in");
  await shows(page, "Ask for a new one", "[role=alert]");
  const taken = await stage.page();
  await shows(taken, "Welcome");
  await taken.type("input[name=name]", "bob");
  await press(taken, "Come in");
  await shows(taken, "Choose another one", "[role=alert]");
  await taken.$eval("input[name=name]", (input) => {
    (input as HTMLInputElement).value = "heidi";
  });
  await press(taken, "Come in");
  await shows(taken, "Who is here");
  expect(stage.faults).toEqual([]);
});

test("a device signs itself out, after it was asked", async () => {
  const page = await stage.enter("ivan");
  await go(page, "devices", "Devices");
  await press(page, "Sign out Chrome on Linux");
  await shows(page, "Sign out this device?");
  // Escape changes nothing.
  await page.keyboard.press("Escape");
  await hides(page, "Sign out this device?");
  await press(page, "Sign out Chrome on Linux");
  await press(page, "Sign out");
  await go(administrator, "server", "Server");
  await administrator.type(".card form.line input[name=who]", "ivan");
  const devices = async () => {
    await press(administrator, "Look up");
    return administrator.$eval(".person .state", (state) => state.textContent);
  };
  await shows(administrator, "A person");
  await press(administrator, "Look up");
  await shows(administrator, "device", ".person .state");
  await expect.poll(devices, { interval: 300, timeout: 20_000 }).toContain("0 devices");
  // Whoever opens the page next in this browser is not in.
  const next = await page.browserContext().newPage();
  await next.goto(stage.server.url);
  await next.waitForSelector("main.entrance", { timeout: 20_000 });
  expect(stage.faults).toEqual([]);
});

test("a device that another one signs out is told so, and what to do", async () => {
  const page = await stage.enter("judy");
  await go(page, "devices", "Devices");
  await press(page, "Add a device");
  await shows(page, "Open this on your other device");
  const link = await page.$eval(".fresh input", (input) => (input as HTMLInputElement).value);
  const { token } = readInvitation(new URL(link).hash) as { token: string };
  await stage.enroll("judy@localhost", "--invite", token, "--label", "terminal");
  const listed = await stage.command("--json", "keys", "list", "--as", "judy@localhost");
  const keys = listed
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, string>);
  const own = keys.find(({ label }) => label !== "terminal");
  await stage.command("keys", "revoke", own?.device as string, "--as", "judy@localhost");
  await shows(page, "signed out from another one", "[role=alert]");
  await press(page, "Start anew on this device");
  await shows(page, "Welcome");
  expect(stage.faults).toEqual([]);
});

test("no page is lost when many are signed out at once", async () => {
  await go(administrator, "devices", "Devices");
  await press(administrator, "Add a device");
  await shows(administrator, "Open this on your other device");
  const link = await administrator.$eval(".fresh input", (input) => (input as HTMLInputElement).value);
  const { token } = readInvitation(new URL(link).hash) as { token: string };
  await stage.enroll("alice@localhost", "--invite", token, "--label", "terminal");
  const pages = await Promise.all(OUT.map((name) => stage.enter(name)));
  const devices = await Promise.all(OUT.map((name) => deviceOf(`${name}@localhost`)));
  const revoke = (device: string, at: number) =>
    stage.command("keys", "revoke", device, "--of", `${OUT[at]}@localhost`, "--as", "alice@localhost");
  await Promise.all(devices.map(revoke));
  await Promise.all(pages.map((page) => shows(page, "signed out from another one", "[role=alert]")));
  await Promise.all(pages.map((page) => page.close()));
  expect(stage.faults).toEqual([]);
});

/** The one device of somebody, as the administrator's command line lists it. */
async function deviceOf(name: string): Promise<string> {
  const listed = await stage.command("--json", "keys", "list", name, "--as", "alice@localhost");
  return (JSON.parse(listed) as { device: string }).device;
}

test("a page lives through the server's end and its return, and shows what came meanwhile", async () => {
  const page = await stage.enter("mallory");
  await page.type(".follow input", "bob");
  await press(page, "Follow");
  await shows(page, "bob", ".row");
  await stage.server.kill();
  await shows(page, "No connection to the server");
  await stage.server.restart();
  await hurry(page);
  await stage.command("publish", "open", "--note", "back again", "--as", "bob@localhost");
  await shows(page, "back again", ".row.here");
  await hides(page, "No connection to the server");
  expect(faultsOfPages()).toEqual([]);
});

test("no page is lost when the server ends in order and takes leave of all at once", async () => {
  const pages = await Promise.all(LEFT.map((name) => stage.enter(name)));
  await stage.server.stop();
  await Promise.all(pages.map((page) => shows(page, "No connection to the server")));
  await stage.server.begin();
  for (const page of pages) {
    await hurry(page);
    await hides(page, "No connection to the server");
  }
  expect(faultsOfPages()).toEqual([]);
});

/** Does not wait for the next attempt; a page may have made it by then. */
async function hurry(page: Page): Promise<void> {
  await page.$$eval("button", (buttons) => {
    buttons.find((button) => button.innerText === "Try now")?.click();
  });
}

/** What went wrong but that nothing could be reached, which the browser says by itself. */
function faultsOfPages(): string[] {
  return stage.faults.filter((text) => !OF_THE_NETWORK.test(text));
}
