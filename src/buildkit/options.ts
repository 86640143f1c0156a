/** Options of exports and caches as clients send them: each is read by its name, what nobody has read is refused. */
import type { Compression } from '#images';
import { errors } from './errors.ts';

export class Options {
  readonly #what: string;
  readonly #left: Map<string, string>;

  /** `what`: how the user wrote it, such as `--output type=oci`. */
  constructor(what: string, attributes: Readonly<Record<string, string>>) {
    this.#what = what;
    this.#left = new Map(Object.entries(attributes));
  }

  text(name: string): string {
    const value = this.#left.get(name) ?? '';
    this.#left.delete(name);
    return value;
  }

  /** compat: a name alone is true. Throws `buildkit.badOption`. */
  flag(name: string): boolean | undefined {
    if (!this.#left.has(name)) return undefined;
    const value = this.text(name);
    if (/^(?:|1|t|true)$/i.test(value)) return true;
    if (/^(?:0|f|false)$/i.test(value)) return false;
    throw errors.badOption(this.#what, name, value, 'use true or false');
  }

  number(name: string, least: number, most: number): number | undefined {
    const text = this.text(name);
    if (text === '') return undefined;
    const value = Number(text);
    if (!Number.isInteger(value) || value < least || value > most) {
      throw errors.badOption(this.#what, name, text, `use a number from ${least} to ${most}`);
    }
    return value;
  }

  /** Options nobody has read so far, for those that have many names. */
  rest(): [name: string, value: string][] {
    return [...this.#left];
  }

  take(name: string): void {
    this.#left.delete(name);
  }

  refuse(name: string, value: string, instead: string): never {
    throw errors.badOption(this.#what, name, value, instead);
  }

  /** Throws `buildkit.badOption` for one that nobody has read. */
  end(): void {
    for (const [name, value] of this.#left) this.refuse(name, value, 'it is not known: leave it out');
  }

  /** Throws `buildkit.badOption`. */
  compression(): Compression {
    const format = this.text('compression') || 'gzip';
    if (format !== 'gzip' && format !== 'zstd' && format !== 'uncompressed') {
      this.refuse('compression', format, 'use gzip, zstd or uncompressed');
    }
    const level = this.number('compression-level', 0, format === 'zstd' ? 22 : 9);
    return { format, level, isForced: this.flag('force-compression') ?? false };
  }

  /** compat: seconds; empty: none. */
  epochNs(): bigint | undefined {
    const text = this.text('source-date-epoch');
    if (text === '') return undefined;
    if (!/^\d{1,12}$/.test(text)) this.refuse('source-date-epoch', text, 'give it in seconds');
    return BigInt(text) * 1_000_000_000n;
  }
}
