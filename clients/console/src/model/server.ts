// The server, for administrators: domains, one person at a time, limits, and live figures.

import {
  type Act,
  AdministerAct,
  type DomainState,
  type FieldsOf,
  type Key,
  make,
  type PrincipalState,
  type QuotaState,
  utf8,
} from "../adsum.js";
import type { Ground } from "./ground.js";
import { type Reading, readFigures } from "./metrics.js";

/** How many readings are plotted. */
export const READINGS_MAX = 90;
const READ_MS = 2_000;

/** What is known of somebody. */
export interface Person {
  readonly name: string;
  readonly quotas: readonly QuotaState[];
  readonly keys: readonly Key[];
  readonly acts: readonly Act[];
}

/** What an administrator sees. */
export class ServerPage {
  domains: DomainState[] | null = null;
  software = "";
  /** Who has a name in the administrator's domain. */
  people: PrincipalState[] | null = null;
  person: Person | null = null;
  readonly limits = new Map<string, QuotaState[]>();
  readings: Reading[] = [];
  /** Whether figures are to be had; `null` until it was tried. */
  hasFigures: boolean | null = null;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(private readonly ground: Ground) {}

  load(): Promise<boolean> {
    return this.ground.act("server", "", async () => {
      const { client } = this.ground;
      const [domains, [about], people] = await Promise.all([
        client.ask("ListDomains"),
        client.ask("ServerInfo"),
        client.ask("ListPrincipals"),
      ]);
      Object.assign(this, { domains, people });
      this.software = about?.software ?? "";
      const own = `@${this.ground.domain}`;
      this.limits.set(own, await client.ask("ListQuotas", { owner: own }));
    });
  }

  /** Reads figures for as long as the page is shown. */
  follow(isShown: boolean): void {
    if (isShown === (this.timer !== undefined)) return;
    clearInterval(this.timer);
    this.timer = isShown ? setInterval(() => void this.read(), READ_MS) : undefined;
    if (isShown) void this.read();
  }

  /** Looks somebody up. */
  lookUp(name: string): Promise<boolean> {
    return this.ground.act("person", "", async () => {
      const { client } = this.ground;
      const [quotas, keys, acts] = await Promise.all([
        client.ask("ListQuotas", { owner: name }),
        client.ask("ListKeys", { principal: name }),
        client.ask("ListActs", { principal: name }),
      ]);
      this.person = { name, quotas, keys, acts };
    });
  }

  /** Makes or removes a domain. */
  domain(act: "create-a-domain" | "remove-it", subject: string): Promise<boolean> {
    const done = act === "remove-it" ? "The domain is removed." : "The domain is there now.";
    return this.administer(done, { act: AdministerAct[act], subject });
  }

  /** Switches a service of a domain. */
  service(subject: string, which: "presence" | "messaging", isOn: boolean): Promise<boolean> {
    const words = `${which === "presence" ? "Status" : "Messages"} of ${subject}: ${isOn ? "on" : "off"}.`;
    return this.administer(words, {
      act: AdministerAct["switch-its-services"],
      subject,
      [which]: isOn ? 2 : 1,
    });
  }

  /** Suspends somebody, or lifts that. */
  suspend(subject: string, isSuspended: boolean): Promise<boolean> {
    const act = AdministerAct[isSuspended ? "suspend-a-principal" : "lift-that"];
    return this.administer(isSuspended ? `${subject} is suspended.` : `${subject} may act again.`, {
      act,
      subject,
    });
  }

  /** Sets how much somebody or a domain may take; `null` takes back what was set. */
  limit(subject: string, quota: string, most: number | null): Promise<boolean> {
    const named = { act: AdministerAct["set-a-quota"], subject, quota: utf8(quota) };
    return this.administer("The limit is set.", {
      ...named,
      ...(most === null ? {} : { quotaMax: bigEndian(most) }),
    });
  }

  private async administer(done: string, fields: FieldsOf<"Administer">): Promise<boolean> {
    const operation = crypto.getRandomValues(new Uint8Array(16));
    const body = make("Administer", { ...fields, operation });
    const isDone = await this.ground.act("administer", done, () =>
      this.ground.client.request(body, "the change"),
    );
    if (isDone) await this.load();
    if (isDone && this.person) await this.lookUp(this.person.name);
    return isDone;
  }

  private async read(): Promise<void> {
    try {
      const answer = await fetch("metrics", { cache: "no-store", signal: AbortSignal.timeout(READ_MS) });
      const text = answer.ok ? await answer.text() : "";
      this.hasFigures = text.includes("adsum_");
      if (this.hasFigures)
        this.readings = [...this.readings, readFigures(text, Date.now())].slice(-READINGS_MAX);
    } catch {
      this.hasFigures = false;
    }
    this.ground.changed();
  }
}

function bigEndian(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}
