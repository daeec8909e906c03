// The browser's own store. It keeps keys that cannot be read out of it.

import { StateError } from "./errors.js";
import type { Store } from "./store.js";

const TABLE = "values";

/** Keeps values in IndexedDB, under a name of their own for each device. */
export class IndexedDbStore implements Store {
  private opened: Promise<IDBDatabase> | null = null;

  constructor(private readonly name: string) {}

  async get<T>(name: string): Promise<T | undefined> {
    return this.run("readonly", (table) => table.get(name)) as Promise<T | undefined>;
  }

  async set(name: string, value: unknown): Promise<void> {
    await this.run("readwrite", (table) => table.put(value, name));
  }

  async delete(name: string): Promise<void> {
    await this.run("readwrite", (table) => table.delete(name));
  }

  /** Resolves when it is on the disk, as far as the browser says. */
  private async run(mode: IDBTransactionMode, act: (table: IDBObjectStore) => IDBRequest): Promise<unknown> {
    try {
      const database = await this.database();
      const transaction = database.transaction(TABLE, mode, { durability: "strict" });
      const request = act(transaction.objectStore(TABLE));
      return await new Promise((done, failed) => {
        transaction.oncomplete = () => done(request.result);
        transaction.onabort = () => failed(transaction.error);
        transaction.onerror = () => failed(transaction.error);
      });
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      throw new StateError(
        `the browser keeps nothing for this page: ${words}; allow it to store data`,
        "state-io",
        {
          cause: error,
        },
      );
    }
  }

  private database(): Promise<IDBDatabase> {
    this.opened ??= open(this.name).then((database) => {
      const forget = () => {
        this.opened = null;
      };
      database.onclose = forget;
      // Another page wants to delete it.
      database.onversionchange = () => {
        database.close();
        forget();
      };
      return database;
    });
    this.opened.catch(() => {
      this.opened = null;
    });
    return this.opened;
  }
}

function open(name: string): Promise<IDBDatabase> {
  return new Promise((done, failed) => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(TABLE);
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error);
    request.onblocked = () => failed(new Error("another page holds an older version"));
  });
}
