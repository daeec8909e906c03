// The program as a process that can be killed, and its command line.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Where the program is. */
export const ADSUM = process.env.ADSUM ?? "../../target/debug/adsum";

/** What sets the clock of a single program, of Debian's package `libfaketime`, if it is here. */
export const FAKETIME = ["x86_64", "aarch64"]
  .map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketime.so.1`)
  .find((path) => existsSync(path));

interface Ready {
  address: string;
  http: string;
  /** Of an administrator, told as long as nobody is enrolled. */
  invite?: string;
}

/** A server with a folder of its own. */
export class Server {
  readonly folder = mkdtempSync(join(tmpdir(), "adsum-browser-"));
  private process: ChildProcess | null = null;
  private clock: Record<string, string> = {};
  /** Where it takes WebSockets; the same after a restart. */
  private socket = "127.0.0.1:0";
  private ready: Ready = { address: "127.0.0.1:0", http: "127.0.0.1:0" };

  /** `access` is how whoever asks to see somebody is met where no rule says. */
  private constructor(private readonly access: string) {}

  /** Starts one, whose wall clock is wrong by `offset` if that is given. */
  static async start(offset?: string, access = "allow"): Promise<Server> {
    const server = new Server(access);
    if (offset !== undefined) server.setClock(offset);
    await server.begin();
    return server;
  }

  /** Where its HTTP side is. */
  get url(): string {
    return `http://${this.ready.http}/`;
  }

  /** Where its `web.json` is. */
  get card(): string {
    return `${this.url}web.json`;
  }

  get invite(): string | undefined {
    return this.ready.invite;
  }

  get address(): string {
    return this.ready.address;
  }

  /** Has its wall clock be wrong by so much from its next start on. */
  setClock(offset: string): void {
    const monotonic = { FAKETIME_DONT_FAKE_MONOTONIC: "1", DONT_FAKE_MONOTONIC: "1" };
    this.clock = { LD_PRELOAD: FAKETIME ?? "", FAKETIME: offset, ...monotonic };
  }

  /** Begins, after a restart at the same addresses. */
  async begin(): Promise<void> {
    const { address, http } = this.ready;
    const where = ["--data", join(this.folder, "data"), "--listen", address, "--http", http];
    const fixed = ["--json", "serve", ...where, "--open-enrollment", "--default-access", this.access];
    const env = { ...process.env, ADSUM_WEB_WEBSOCKET: this.socket, ...this.clock };
    this.process = spawn(ADSUM, fixed, { stdio: ["ignore", "pipe", "ignore"], env });
    const lines = createInterface({ input: this.process.stdout as NodeJS.ReadableStream });
    for await (const line of lines) {
      const said = JSON.parse(line) as Partial<Ready>;
      if (!said.address || !said.http) continue;
      this.ready = said as Ready;
      const { websocket } = (await (await fetch(this.card)).json()) as { websocket?: { port: number } };
      if (websocket) this.socket = `127.0.0.1:${websocket.port}`;
      return;
    }
    throw new Error(`${ADSUM} ended before it served; set ADSUM to the program`);
  }

  /** Ends it at once, as a power cut does. */
  kill(): Promise<void> {
    return this.over("SIGKILL");
  }

  /** Ends it in order: whoever is connected is told. */
  stop(): Promise<void> {
    return this.over("SIGTERM");
  }

  private async over(signal: NodeJS.Signals): Promise<void> {
    const { process } = this;
    if (!process || process.exitCode !== null || process.signalCode !== null) return;
    const ended = new Promise((done) => process.once("exit", done));
    process.kill(signal);
    await ended;
  }

  /** Begins again if it was killed. */
  async revive(): Promise<void> {
    if (this.process?.signalCode != null || this.process?.exitCode != null) await this.begin();
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.begin();
  }

  async end(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** What a command of the command line says, a line of JSON each. */
  async command(...words: string[]): Promise<Record<string, unknown>[]> {
    const env = { ...process.env, HOME: this.folder, XDG_STATE_HOME: join(this.folder, "state") };
    const { stdout } = await run(ADSUM, ["--json", ...words], { env, timeout: 20_000 });
    const lines = stdout.split("\n").filter((line) => line !== "");
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }
}
