/**
 * Layers that some work in this process relies on before an image record does: the collector leaves them alone.
 *
 * In memory only: work that a crash cut off unpacks its layers again from their blobs.
 */
import type { LayerKey } from './layers/layer-store.ts';

export class LayersInUse {
  readonly #counts = new Map<LayerKey, number>();
  readonly #others: () => Iterable<LayerKey>;

  /** `others`: what somebody with records of his own relies on. */
  constructor(others: () => Iterable<LayerKey> = () => []) {
    this.#others = others;
  }

  /** Until the result is disposed. */
  hold(key: LayerKey): Disposable {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    return {
      [Symbol.dispose]: () => {
        const left = (this.#counts.get(key) ?? 1) - 1;
        if (left > 0) this.#counts.set(key, left);
        else this.#counts.delete(key);
      },
    };
  }

  keys(): LayerKey[] {
    return [...this.#counts.keys(), ...this.#others()];
  }
}
