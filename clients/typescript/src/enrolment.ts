// How a device becomes one of a principal.

import { type Device, loadDevice, newDevice, storeDevice } from "./device.js";
import { enrolling, type Route } from "./enter.js";
import { Invalid, StateError } from "./errors.js";
import type { Store } from "./store.js";
import { readToken } from "./token.js";

/** Who is to be enrolled. */
export interface Enrolment {
  /** `local@domain`. */
  readonly principal: string;
  /** The token of an invite; without one the server must be open to all. */
  readonly invite?: string;
  /** What its owner calls the device, such as `Firefox on my desk`. */
  readonly label?: string;
}

/**
 * The device that `store` keeps, enrolled if it was not yet.
 *
 * The key is kept before anything is sent, so that a call whose answer was lost can be made again as it was. Rejects with
 * `Refused` (`bad-invite`, `name-taken`, …), `Unreachable`, or `StateError` if the store is somebody else's.
 */
export async function enrolled(route: Route, store: Store, wanted: Partial<Enrolment>): Promise<Device> {
  const kept = await loadDevice(store);
  if (kept && wanted.principal !== undefined && kept.principal !== wanted.principal) {
    const words = `what the browser keeps here is of ${kept.principal}; give ${wanted.principal} a name of its own`;
    throw new StateError(words, "already-enrolled");
  }
  if (kept?.isEnrolled) return kept;
  if (wanted.principal === undefined)
    throw new Invalid("nobody is enrolled here; say who is to be: principal, invite");
  return enroll(route, store, kept, { ...wanted, principal: wanted.principal });
}

async function enroll(
  route: Route,
  store: Store,
  kept: Device | undefined,
  wanted: Enrolment,
): Promise<Device> {
  const { secret, serverKey } = wanted.invite ? await readToken(wanted.invite) : NO_INVITE;
  const device = { ...(kept ?? (await newDevice(wanted.principal, serverKey))), serverKey };
  await storeDevice(store, device);
  const asked = { token: secret, label: wanted.label ?? "" };
  const { link, serverKey: seen } = await enrolling(
    route,
    store,
    device,
    asked,
    new AbortController().signal,
  );
  const done = { ...device, principal: link.welcome.principal, serverKey: seen, isEnrolled: true };
  await storeDevice(store, done);
  link.close();
  return done;
}

const NO_INVITE = { secret: new Uint8Array(), serverKey: null };
