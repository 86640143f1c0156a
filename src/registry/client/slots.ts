/** A limited number of places for transfers, given in the order they were asked for. */

export class Slots {
  readonly #waiting: (() => void)[] = [];
  /** Below zero when there are fewer places than are taken. */
  #free: number;
  #count: number;

  constructor(count: number) {
    this.#free = count;
    this.#count = count;
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
        this.#free += 1;
        this.#giveFree();
      },
    };
  }

  /** From now on so many places. Who has one keeps it. */
  resize(count: number): void {
    this.#free += count - this.#count;
    this.#count = count;
    this.#giveFree();
  }

  #giveFree(): void {
    while (this.#free > 0) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#free -= 1;
      next();
    }
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
