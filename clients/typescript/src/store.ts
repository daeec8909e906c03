// Where a device keeps its key, how far it has taken its feeds, and what it asked: names and values, kept for good.

/** Keeps values by their names. What `set` resolved for outlasts the page. */
export interface Store {
  get<T>(name: string): Promise<T | undefined>;
  set(name: string, value: unknown): Promise<void>;
  delete(name: string): Promise<void>;
}

/** Keeps nothing beyond the page: for tests, and for a client that is nobody in particular. */
export class MemoryStore implements Store {
  private readonly values = new Map<string, unknown>();

  async get<T>(name: string): Promise<T | undefined> {
    return this.values.get(name) as T | undefined;
  }

  async set(name: string, value: unknown): Promise<void> {
    this.values.set(name, value);
  }

  async delete(name: string): Promise<void> {
    this.values.delete(name);
  }
}
