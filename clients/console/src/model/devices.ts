// Devices of one's own, and invites that are open.

import { type Inviting, type Key, make, type OpenInvite, toHex } from "../adsum.js";
import type { Ground } from "./ground.js";
import { writeInvitation } from "./link.js";

/** An invite that was just made: shown once, because only its maker knows it. */
export interface Fresh {
  readonly link: string;
  readonly token: string;
  readonly name: string;
}

/** How long it is tried to tell the server that one leaves. */
const LEAVE_MS = 3_000;

/** Keys and invites. */
export class Devices {
  keys: Key[] | null = null;
  invites: OpenInvite[] = [];
  fresh: Fresh | null = null;
  /** This device, in hex. */
  own = "";

  constructor(private readonly ground: Ground) {}

  load(): Promise<boolean> {
    return this.ground.act("devices", "", async () => {
      const { client } = this.ground;
      const [keys, invites, welcome] = await Promise.all([
        client.devices(),
        client.invites(),
        client.welcome(),
      ]);
      Object.assign(this, { keys, invites, own: toHex(welcome.device) });
    });
  }

  /** Makes an invite; without a principal for another device of one's own. */
  async invite(inviting: Inviting = {}): Promise<void> {
    const name = inviting.principal ?? this.ground.me;
    await this.ground.act("invite", "The invite is made.", async () => {
      const token = await this.ground.client.invite(inviting);
      this.fresh = { token, name, link: writeInvitation(location.href, { token, name }) };
    });
    await this.load();
  }

  forget(): void {
    this.fresh = null;
    this.ground.changed();
  }

  /** Takes an invite back. */
  async withdraw({ invite }: OpenInvite): Promise<void> {
    await this.ground.act("withdraw", "The invite is taken back.", () => {
      const operation = crypto.getRandomValues(new Uint8Array(16));
      return this.ground.client.request(make("WithdrawInvite", { invite, operation }), "the withdrawal");
    });
    await this.load();
  }

  /**
   * Signs this device out. The server ends the connection of who is signed out, at times before its answer has arrived, so
   * that the answer is not waited for without end: the key is forgotten here in any case.
   */
  async leave({ device }: Key): Promise<void> {
    const { client } = this.ground;
    const late = new Promise((done) => setTimeout(done, LEAVE_MS));
    await Promise.race([client.revoke(device).catch(() => {}), late]);
    await client.close();
  }

  /** Signs another device out for good. */
  async revoke({ device }: Key): Promise<void> {
    await this.ground.act("revoke", "The device is signed out.", () => this.ground.client.revoke(device));
    await this.load();
  }
}
