// What a test of the console stands on: the program, which shows it, with its command line, and a browser.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import puppeteer, { type Browser, type Page } from "puppeteer-core";
import { ADSUM, Server } from "../../../typescript/tests/browser/server.js";

const run = promisify(execFile);

const CHROMIUM = [
  process.env.CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];
const WAIT_MS = 20_000;
/** The pages, by the words in their addresses and by their titles. */
export const PAGES = [
  ["people", "Who is here"],
  ["messages", "Messages"],
  ["audience", "Who sees me"],
  ["past", "Past"],
  ["devices", "Devices"],
  ["server", "Server"],
] as const;

/** What Chromium says in a page's log of a server that is not there. */
export const OF_THE_NETWORK = /Failed to load resource|ERR_|^WebSocket connection to /;

/** A server and a browser. */
export class Stage {
  /** What nobody caught on a page, and what its log calls an error. */
  readonly faults: string[] = [];

  private constructor(
    readonly server: Server,
    private readonly browser: Browser,
  ) {}

  /** Starts both. Whoever asks to see somebody has to wait for an answer. */
  static async open(): Promise<Stage> {
    const browser = puppeteer.launch({
      executablePath: CHROMIUM.find((path) => path !== undefined && existsSync(path)) as string,
      headless: true,
      timeout: 50_000,
      args: ["--no-sandbox", "--disable-gpu", "--lang=en"],
    });
    return new Stage(await Server.start(undefined, "confirm"), await browser);
  }

  /** Opens the console in a profile of its own, at a fragment. */
  async page(fragment = ""): Promise<Page> {
    const profile = await this.browser.createBrowserContext();
    const page = await profile.newPage();
    page.on("pageerror", (error) => this.faults.push(String(error)));
    page.on("error", (error) => this.faults.push(String(error)));
    page.on("console", (said) => {
      if (said.type() === "error" || said.type() === "warn") this.faults.push(said.text());
    });
    await page.setViewport({ width: 1280, height: 800 });
    await page.goto(`${this.server.url}${fragment}`);
    return page;
  }

  /** Comes in under a name where everybody may. */
  async enter(name: string): Promise<Page> {
    const page = await this.page();
    await page.waitForSelector("input[name=name]", { timeout: WAIT_MS });
    await page.type("input[name=name]", name);
    await page.click("button.primary");
    await shows(page, "Who is here");
    return page;
  }

  /** What a command of the command line says, in its own words. */
  async command(...words: string[]): Promise<string> {
    const env = { ...process.env, ADSUM_HOME: join(this.server.folder, "home") };
    return (await run(ADSUM, words, { env, timeout: 20_000 })).stdout;
  }

  /** Has the command line be somebody. */
  async enroll(name: string, ...words: string[]): Promise<void> {
    await this.command("enroll", name, "--server", this.server.address, ...words);
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.server.end();
  }
}

/** Waits until the page shows a text. */
export async function shows(page: Page, text: string, within = "body"): Promise<void> {
  const found = (text: string, within: string) =>
    [...document.querySelectorAll<HTMLElement>(within)].some((one) => one.innerText.includes(text));
  try {
    await page.waitForFunction(found, { polling: 100, timeout: WAIT_MS }, text, within);
  } catch (error) {
    const seen = await page.evaluate(() => document.body.innerText);
    throw new Error(`the page does not show "${text}" in ${within}, but: ${seen}`, { cause: error });
  }
}

/** Waits until the page does not show a text any more. */
export async function hides(page: Page, text: string): Promise<void> {
  const gone = (text: string) => !document.body.innerText.includes(text);
  await page.waitForFunction(gone, { polling: 100, timeout: WAIT_MS }, text);
}

/** Goes to a page of the console. */
export async function go(page: Page, name: string, title: string): Promise<void> {
  await page.click(`nav a[href="#/${name}"]`);
  await shows(page, title, "h1");
}

/** Presses what is called so, for those who see it or those who hear it. */
export async function press(page: Page, name: string): Promise<void> {
  await page.locator(`::-p-aria([name="${name}"][role="button"])`).setTimeout(WAIT_MS).click();
}
