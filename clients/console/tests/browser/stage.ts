// What a test of the console stands on: a server and its command line, the three files behind a strict policy, a browser.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server as HttpServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import puppeteer, { type Browser, type Page } from "puppeteer-core";

const run = promisify(execFile);

/** Where the program is. */
const ADSUM = process.env.ADSUM ?? "../../target/debug/adsum";
const CHROMIUM = [
  process.env.CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];
/** What the server will send with the files, so that nothing is made that needs more. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' https: wss: ws:; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const TYPES: Readonly<Record<string, string>> = {
  "index.html": "text/html; charset=utf-8",
  "app.js": "text/javascript; charset=utf-8",
  "app.css": "text/css; charset=utf-8",
};
const WAIT_MS = 20_000;

/** What the server says of itself when it serves. */
interface Ready {
  address: string;
  http: string;
  /** Of an administrator, told once. */
  invite?: string;
}

/** A server with a folder of its own, its files and a browser. */
export class Stage {
  readonly folder = mkdtempSync(join(tmpdir(), "adsum-console-"));
  /** What nobody caught on a page, and what its log calls an error. */
  readonly faults: string[] = [];
  browser!: Browser;
  ready: Ready = { address: "127.0.0.1:0", http: "127.0.0.1:0" };
  private process: ChildProcess | null = null;
  private readonly http: HttpServer = createServer((request, response) => {
    void this.answer((request.url ?? "/").slice(1).split("?")[0] || "index.html", response);
  });

  /** Starts all of it; `words` are more of the command line of `serve`. */
  static async open(...words: string[]): Promise<Stage> {
    const stage = new Stage();
    await stage.serve(words);
    await new Promise<void>((done) => stage.http.listen(0, "127.0.0.1", done));
    stage.browser = await puppeteer.launch({
      executablePath: CHROMIUM.find((path) => path !== undefined && existsSync(path)) as string,
      headless: true,
      timeout: 50_000,
      args: ["--no-sandbox", "--disable-gpu", "--lang=en"],
    });
    return stage;
  }

  /** Where the page is. */
  get url(): string {
    return `http://127.0.0.1:${(this.http.address() as AddressInfo).port}/`;
  }

  /** Opens the console in a profile of its own, at a fragment. */
  async page(fragment = ""): Promise<Page> {
    const profile = await this.browser.createBrowserContext();
    const page = await profile.newPage();
    page.on("pageerror", (error) => this.faults.push(String(error)));
    page.on("console", (said) => {
      if (said.type() === "error" || said.type() === "warn") this.faults.push(said.text());
    });
    await page.setViewport({ width: 1280, height: 800 });
    await page.goto(`${this.url}${fragment}`);
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

  /** What a command of the command line says. */
  async command(...words: string[]): Promise<string> {
    const env = { ...process.env, ADSUM_HOME: join(this.folder, "home") };
    return (await run(ADSUM, words, { env, timeout: 20_000 })).stdout;
  }

  /** Has the command line be somebody. */
  async enroll(name: string, ...words: string[]): Promise<void> {
    await this.command("enroll", name, "--server", this.ready.address, ...words);
  }

  async close(): Promise<void> {
    await this.browser?.close();
    this.http.closeAllConnections();
    this.http.close();
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Ends the server at once, as a power cut does. */
  async kill(): Promise<void> {
    const { process } = this;
    if (!process || process.exitCode !== null || process.signalCode !== null) return;
    const ended = new Promise((done) => process.once("exit", done));
    process.kill("SIGKILL");
    await ended;
  }

  /** Starts it again at the same addresses. */
  restart(): Promise<void> {
    return this.serve([]);
  }

  private async serve(words: string[]): Promise<void> {
    const { address, http } = this.ready;
    const where = ["--data", join(this.folder, "data"), "--listen", address, "--http", http];
    this.process = spawn(ADSUM, ["--json", "serve", ...where, "--open-enrollment", ...words], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    for await (const line of createInterface({ input: this.process.stdout as NodeJS.ReadableStream })) {
      const said = JSON.parse(line) as Partial<Ready>;
      if (!said.address || !said.http) continue;
      this.ready = said as Ready;
      return;
    }
    throw new Error(`${ADSUM} ended before it served; set ADSUM to the program`);
  }

  /** The three files, and what the server says at the same origin. */
  private async answer(name: string, response: ServerResponse): Promise<void> {
    response.setHeader("content-security-policy", POLICY);
    const type = TYPES[name];
    if (type) {
      response.setHeader("content-type", type);
      return void response.end(readFileSync(new URL(`../../dist/${name}`, import.meta.url)));
    }
    if (name !== "web.json" && name !== "metrics") return void response.writeHead(404).end();
    try {
      response.end(await (await fetch(`http://${this.ready.http}/${name}`)).text());
    } catch {
      response.writeHead(502).end();
    }
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
