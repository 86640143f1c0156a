/** A limited number of places for transfers, given in the order they were asked for. */

export class Slots {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  /** Whether the next one has to wait. */
  get full(): boolean {
    return this.#free <= 0;
  }

  /** A place, to be disposed of. Throws the signal's reason. */
  async take(signal: AbortSignal | undefined): Promise<Disposable> {
    signal?.throwIfAborted();
    if (this.#free > 0) this.#free -= 1;
    else await this.#turn(signal);
    let isTaken = true;
    return {
      [Symbol.dispose]: () => {
        if (!isTaken) return;
        isTaken = false;
        const next = this.#waiting.shift();
        if (next) next();
        else this.#free += 1;
      },
    };
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const give = (): void => {
      signal?.removeEventListener('abort', leave);
      resolve();
    };
    const leave = (): void => {
      const at = this.#waiting.indexOf(give);
      if (at < 0) return;
      this.#waiting.splice(at, 1);
      reject(signal?.reason);
    };
    this.#waiting.push(give);
    signal?.addEventListener('abort', leave, { once: true });
    return promise;
  }
}
