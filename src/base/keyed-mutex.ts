/** One queue per key: operations on the same object run one after the other, on different objects side by side. */

export class KeyedMutex {
  readonly #tails = new Map<string, Promise<void>>();

  /** Runs `work` once all earlier work under the same key has ended, whether it succeeded or not. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key);
    const { promise: mine, resolve: release } = Promise.withResolvers<void>();
    this.#tails.set(key, mine);
    try {
      if (before) await before;
      return await work();
    } finally {
      if (this.#tails.get(key) === mine) this.#tails.delete(key);
      release();
    }
  }

  /** Whether work under this key is running or waiting. */
  busy(key: string): boolean {
    return this.#tails.has(key);
  }
}
