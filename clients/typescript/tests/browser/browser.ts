// Real browsers with a profile of their own, and the pages that they open.

import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server as HttpServer } from "node:http";
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

/** Starts a browser without a window; its profile is gone when it is closed. Pages of the stranger count as secure ones. */
export async function launch(kind: Kind, site: Site): Promise<Browser> {
  const secure = `--unsafely-treat-insecure-origin-as-secure=http://${STRANGER}:${site.port}`;
  const chrome = ["--no-sandbox", "--disable-gpu", `--host-resolver-rules=MAP ${STRANGER} 127.0.0.1`, secure];
  const firefox = { "network.dns.localDomains": STRANGER, "dom.securecontext.allowlist": STRANGER };
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
  '<!doctype html><meta charset="utf-8"><title>adsum</title><script type="module" src="/page.js"></script>';
const PAGE = 'import * as adsum from "/adsum.js"; window.adsum = adsum;';
/** What pages may do: nothing that the package does not need. */
const POLICY = "default-src 'none'; script-src 'self'; connect-src *";

/** Serves the bundle, and a page that holds nothing. */
export class Site {
  private constructor(private readonly http: HttpServer) {}

  static async open(): Promise<Site> {
    const bundle = new URL("../../dist/bundle/", import.meta.url);
    const http = createServer((request, response) => {
      const name = (request.url ?? "/").slice(1).split("?")[0] ?? "";
      const isScript = /^[\w.-]+\.js$/.test(name);
      response.setHeader("content-security-policy", POLICY);
      response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
      if (name === "page.js") response.end(PAGE);
      else response.end(isScript ? readFileSync(new URL(name, bundle)) : BLANK);
    });
    await new Promise<void>((done) => http.listen(0, "127.0.0.1", done));
    return new Site(http);
  }

  get port(): number {
    return (this.http.address() as AddressInfo).port;
  }

  /** A page, whose faults that nobody caught are kept. */
  async page(browser: Browser, host = "127.0.0.1"): Promise<{ page: Page; faults: string[] }> {
    const page = await browser.newPage();
    const faults: string[] = [];
    page.on("pageerror", (error) => faults.push(String(error)));
    await page.goto(`http://${host}:${this.port}/`);
    await page.waitForFunction("window.adsum");
    return { page, faults };
  }

  close(): void {
    this.http.closeAllConnections();
    this.http.close();
  }
}
