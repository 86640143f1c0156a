/** The keys that leave a container running and give the terminal back. */
/** compat: Docker's own. */
export const DEFAULT_DETACH_KEYS = 'ctrl-p,ctrl-q';

/**
 * The bytes of `ctrl-p,ctrl-q` or `a,b`: single characters and `ctrl-` with a letter or one of @[\]^_. Undefined for
 * anything else.
 */
export function parseDetachKeys(text: string): Buffer | undefined {
  const bytes: number[] = [];
  for (const key of text.split(',')) {
    const control = /^ctrl-([a-z@[\\\]^_])$/i.exec(key)?.[1];
    if (control !== undefined) bytes.push(control.toUpperCase().charCodeAt(0) & 0x1f);
    else if (key.length === 1 && key.charCodeAt(0) < 0x80) bytes.push(key.charCodeAt(0));
    else return undefined;
  }
  return Buffer.from(bytes);
}

/** Finds the keys in what is typed. What may be their beginning is held back until the next key tells. */
export class DetachKeys {
  readonly #keys: Buffer;
  #matched = 0;

  constructor(keys: Buffer) {
    this.#keys = keys;
  }

  /** What goes on to the container, and whether the keys were typed; nothing after them is passed on. */
  push(typed: Buffer): { readonly data: Buffer; readonly detached: boolean } {
    const data: number[] = [];
    for (const byte of typed) {
      while (this.#matched > 0 && byte !== this.#keys[this.#matched]) {
        // The longest end of what was held that could still begin the keys stays held.
        const held = this.#keys.subarray(0, this.#matched);
        const kept = overlap(held);
        data.push(...held.subarray(0, held.length - kept));
        this.#matched = kept;
      }
      if (byte !== this.#keys[this.#matched]) {
        data.push(byte);
        continue;
      }
      this.#matched += 1;
      if (this.#matched === this.#keys.length) return { data: Buffer.from(data), detached: true };
    }
    return { data: Buffer.from(data), detached: false };
  }
}

/** Length of the longest proper end of the bytes that is also their beginning. */
function overlap(bytes: Buffer): number {
  for (let length = bytes.length - 1; length > 0; length--) {
    if (bytes.subarray(bytes.length - length).equals(bytes.subarray(0, length))) return length;
  }
  return 0;
}
