// Real browsers with a profile of their own, and the pages that they open.

import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server as HttpServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import puppeteer, { type Browser, type Page } from "puppeteer-core";

const PROGRAMS = {
  chrome: [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"],
  firefox: [process.env.FIREFOX, "/usr/bin/firefox-esr", "/usr/bin/firefox"],
} as const;

export type Kind = keyof typeof PROGRAMS;

/** The browsers that this machine has. */
export function found(): Kind[] {
  return (Object.keys(PROGRAMS) as Kind[]).filter((kind) => program(kind) !== undefined);
}

function program(kind: Kind): string | undefined {
  return PROGRAMS[kind].find((path) => path !== undefined && existsSync(path));
}

/** A name that is not the server's, so that its pages are of another origin. */
export const STRANGER = "stranger.test";

/** Timers of pages that are not shown run as those of pages that are, as in the other browser. */
const UNTHROTTLED = {
  "dom.min_background_timeout_value": 4,
  "dom.min_background_timeout_value_without_budget_throttling": 4,
  "dom.timeout.enable_budget_timer_throttling": false,
};

/** Starts a browser without a window; its profile is gone when it is closed. Pages of the stranger count as secure ones. */
export async function launch(kind: Kind, site: Site): Promise<Browser> {
  const secure = `--unsafely-treat-insecure-origin-as-secure=http://${STRANGER}:${site.port}`;
  const chrome = ["--no-sandbox", "--disable-gpu", `--host-resolver-rules=MAP ${STRANGER} 127.0.0.1`, secure];
  const names = { "network.dns.localDomains": STRANGER, "dom.securecontext.allowlist": STRANGER };
  const firefox = { ...names, ...UNTHROTTLED };
  return puppeteer.launch({
    browser: kind,
    executablePath: program(kind) as string,
    headless: true,
    timeout: 50_000,
    args: kind === "chrome" ? chrome : [],
    ...(kind === "chrome" ? {} : { extraPrefsFirefox: firefox }),
  });
}

const BLANK =
  '<!doctype html><meta charset="utf-8"><title>adsum</title><link rel="icon" href="data:,">' +
  '<script type="module" src="/page.js"></script>';
const BUNDLE = new URL("../../dist/bundle/", import.meta.url);
const PAGE = 'import * as adsum from "/adsum.js"; window.adsum = adsum;';
/** What pages may do: nothing that the package does not need. */
const POLICY = "default-src 'none'; script-src 'self'; connect-src *; img-src data:";

/** What Firefox says in the same place of a connection that a test means to fail. */
const OF_THE_NETWORK =
  /^Error: (Cross-Origin Request Blocked|Firefox can.t establish a connection|The connection to .* was interrupted)/;

/** Serves the bundle, a page that holds nothing, and pages of tests. */
export class Site {
  /** Pages with a text of their own, by their names. */
  readonly texts = new Map<string, string>();
  private readonly http: HttpServer = createServer((request, response) => {
    this.answer((request.url ?? "/").slice(1).split("?")[0] ?? "", response);
  });

  static async open(): Promise<Site> {
    const site = new Site();
    await new Promise<void>((done) => site.http.listen(0, "127.0.0.1", done));
    return site;
  }

  get port(): number {
    return (this.http.address() as AddressInfo).port;
  }

  /** A page with the package; what nobody caught on it goes to `faults`. */
  async page(browser: Browser, faults: string[], host = "127.0.0.1"): Promise<Page> {
    const page = await browser.newPage();
    page.on("pageerror", (error) => {
      if (!OF_THE_NETWORK.test(String(error))) faults.push(String(error));
    });
    await page.goto(`http://${host}:${this.port}/`);
    await page.waitForFunction("window.adsum");
    return page;
  }

  close(): void {
    this.http.closeAllConnections();
    this.http.close();
  }

  private answer(name: string, response: ServerResponse): void {
    const isScript = /^[\w.-]+\.js$/.test(name);
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
    const text = this.texts.get(name);
    if (text !== undefined) return void response.end(text);
    response.setHeader("content-security-policy", POLICY);
    response.end(name === "page.js" ? PAGE : isScript ? readFileSync(new URL(name, BUNDLE)) : BLANK);
  }
}
