// Which transport is taken, with transports and a clock of the test's own.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { VersionMismatch } from "../src/errors.js";
import { BELIEVED_MS, HEAD_START_MS, isWebKit, reach } from "../src/reach.js";
import type { Dial, Transport } from "../src/transport.js";
import { codeOf } from "./support.js";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** A network on which each transport takes so long, or `null` for one that gets no answer at all. */
class Network {
  readonly dialled: string[] = [];
  readonly closed: string[] = [];
  readonly given: string[] = [];
  until = 0;

  constructor(
    public udpMs: number | null,
    public tcpMs: number | null = 50,
  ) {}

  private way(name: string, takesMs: () => number | null, fails?: () => Error | undefined): Dial {
    return (signal) => {
      this.dialled.push(name);
      return new Promise((done, failed) => {
        signal.addEventListener("abort", () => {
          this.given.push(name);
          failed(new Error("given up"));
        });
        const takes = takesMs();
        const transport = { name, close: () => this.closed.push(name) } as unknown as Transport;
        if (takes === null) return;
        setTimeout(() => {
          const error = fails?.();
          if (error) failed(error);
          else done(transport);
        }, takes);
      });
    };
  }

  fault: Error | undefined;

  reach(signal = new AbortController().signal): Promise<Transport> {
    const webTransport = this.way(
      "udp",
      () => this.udpMs,
      () => this.fault,
    );
    const webSocket = this.way(
      "tcp",
      () => this.tcpMs,
      () => undefined,
    );
    const belief = {
      blockedUntil: async () => this.until,
      block: async (until: number) => {
        this.until = until;
      },
    };
    return reach({ webTransport, webSocket }, belief, signal);
  }
}

/** By what a connection was made, and after how long. */
async function made(network: Network): Promise<[string, number]> {
  const began = Date.now();
  const reaching = network
    .reach()
    .then((transport): [string, number] => [transport.name, Date.now() - began]);
  await vi.runAllTimersAsync();
  return reaching;
}

test("WebTransport is taken where it works, and nothing else is tried", async () => {
  const network = new Network(80);
  expect(await made(network)).toEqual(["udp", 80]);
  expect([network.dialled, network.until]).toEqual([["udp"], 0]);
});

test("where UDP gets no answer WebSocket is there within two seconds, and at once the next time", async () => {
  const network = new Network(null);
  expect(await made(network)).toEqual(["tcp", HEAD_START_MS + 50]);
  expect(network.given).toContain("udp");
  expect(await made(network)).toEqual(["tcp", 50]);
  expect(network.dialled).toEqual(["udp", "tcp", "tcp"]);
});

test("where UDP is refused WebSocket is tried at once", async () => {
  const network = new Network(30);
  network.fault = new Error("nobody listens");
  expect(await made(network)).toEqual(["tcp", 80]);
});

test("what is believed of a network is tried again after an hour", async () => {
  const network = new Network(null);
  await made(network);
  vi.setSystemTime(Date.now() + BELIEVED_MS);
  network.udpMs = 20;
  expect(await made(network)).toEqual(["udp", 20]);
});

test("where WebSocket does not get through any more WebTransport is tried again", async () => {
  const network = new Network(40);
  network.until = Date.now() + BELIEVED_MS;
  network.tcpMs = null;
  const abort = new AbortController();
  const reaching = network.reach(abort.signal);
  await vi.advanceTimersByTimeAsync(10);
  expect(network.dialled).toEqual(["tcp"]);
  abort.abort();
  await expect(reaching).rejects.toMatchObject({ code: "unreachable" });
  expect(network.until).toBe(0);
  expect(await made(network)).toEqual(["udp", 40]);
});

test("a WebTransport that is slow and comes first all the same is taken, and WebSocket is closed", async () => {
  const network = new Network(HEAD_START_MS + 20, 500);
  expect(await made(network)).toEqual(["udp", HEAD_START_MS + 20]);
  expect([network.given, network.until]).toEqual([["tcp"], 0]);
});

test("a WebTransport that comes behind WebSocket is closed", async () => {
  const network = new Network(HEAD_START_MS + 100, 50);
  expect((await made(network))[0]).toBe("tcp");
  expect(network.given).toEqual(["udp"]);
});

test("where neither works that is told, and nothing is believed of the network", async () => {
  const network = new Network(null, null);
  network.udpMs = 10;
  network.fault = new Error("no route");
  const abort = new AbortController();
  const reaching = network.reach(abort.signal);
  await vi.advanceTimersByTimeAsync(20);
  abort.abort();
  await expect(reaching).rejects.toThrow(/cannot reach the server: no route; given up/);
  expect(network.until).toBe(0);
});

test("a server of another version is told as that", async () => {
  const network = new Network(10, null);
  network.fault = new VersionMismatch("the server does not speak adsum/1");
  const abort = new AbortController();
  const reaching = network.reach(abort.signal);
  await vi.advanceTimersByTimeAsync(20);
  abort.abort();
  expect(await codeOf(reaching)).toBe("version");
});

test("a browser without any way is told so", async () => {
  const none = { blockedUntil: async () => 0, block: async () => {} };
  const signal = new AbortController().signal;
  expect(await codeOf(reach({ webTransport: null, webSocket: null }, none, signal))).toBe("unreachable");
});

test("WebKit is told from what only calls itself so", () => {
  const safari =
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/604.1";
  const chromeOnIos = safari.replace("Version/18.0", "CriOS/130.0");
  const chrome =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36";
  const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
  expect([safari, chromeOnIos, chrome, firefox].map(isWebKit)).toEqual([true, true, false, false]);
});
