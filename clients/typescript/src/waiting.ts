// Waiting: for news, for a while, for one of several. Timers are those of the platform.

/** Wakes all who wait when something has changed. Nothing changes between a look and a wait. */
export class News {
  private next = deferred<void>();

  /** Something has changed. */
  tell(): void {
    const told = this.next;
    this.next = deferred();
    told.resolve();
  }

  /** Waits for the next change. */
  wait(): Promise<void> {
    return this.next.promise;
  }
}

export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** A promise that is kept from outside. Nobody need look at it when it is broken. */
export function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<T>((kept, broken) => {
    resolve = kept;
    reject = broken;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}

/** Waits for `ms`, at most until one of `others` is settled; whether the time is up. */
export async function atMost(ms: number, ...others: Promise<unknown>[]): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const up = new Promise<boolean>((done) => {
    timer = setTimeout(() => done(true), Math.min(ms, 0x7fff_ffff));
  });
  const settled = others.map((other) =>
    other.then(
      () => false,
      () => false,
    ),
  );
  try {
    return await Promise.race([up, ...settled]);
  } finally {
    clearTimeout(timer);
  }
}

/** What `promise` comes to, or `late()` thrown when that takes longer than `ms`; `null` waits for ever. */
export async function within<T>(ms: number | null, promise: Promise<T>, late: () => Error): Promise<T> {
  if (ms !== null && (await atMost(ms, promise))) {
    promise.catch(() => {});
    throw late();
  }
  return promise;
}

/** Milliseconds that only go forwards. */
export const now = (): number => performance.now();
