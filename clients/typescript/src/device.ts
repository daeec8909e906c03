// Who a device is: a key that cannot be read out of the browser, and the server that knows it.

import type { Prover } from "./connection.js";
import { Invalid, StateError } from "./errors.js";
import type { Store } from "./store.js";

const NAME = "device";

/** A device of a principal. */
export interface Device {
  /** `local@domain`; empty for nobody in particular. */
  readonly principal: string;
  /** The Ed25519 key, 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly privateKey: CryptoKey;
  /** SHA-256 of the server's public key; `null` until it was learnt. */
  readonly serverKey: Uint8Array | null;
  /** Whether the server has let it in. */
  readonly isEnrolled: boolean;
}

/** A device with a new key. */
export async function newDevice(principal: string, serverKey: Uint8Array | null): Promise<Device> {
  const pair = (await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]).catch((error) => {
    throw new Invalid(
      `this browser makes no Ed25519 keys (${error}), or the page is not a secure one; use HTTPS`,
    );
  })) as CryptoKeyPair;
  const publicKey = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  return { principal, publicKey, privateKey: pair.privateKey, serverKey, isEnrolled: false };
}

/** The device kept in `store`, if there is one. */
export async function loadDevice(store: Store): Promise<Device | undefined> {
  const device = await store.get<Device>(NAME);
  if (device && !(device.privateKey instanceof CryptoKey)) {
    throw new StateError(
      "the device's key cannot be read; clear what the browser keeps for this page",
      "state-damaged",
    );
  }
  return device;
}

/** Keeps a device. */
export function storeDevice(store: Store, device: Device): Promise<void> {
  return store.set(NAME, device);
}

/** Proves to be the device, to the server of that key. */
export function prover({ principal, publicKey, privateKey }: Device, serverKey: Uint8Array): Prover {
  const sign = async (data: Uint8Array<ArrayBuffer>) =>
    new Uint8Array(await crypto.subtle.sign("Ed25519", privateKey, data));
  return { principal, publicKey, serverKey, sign };
}
