/**
 * The folders of the next writable layer, made before there is a container for them: three folders take ext4 0.4 to 0.6 ms,
 * to rename one 0.06.
 */
import { chmodSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { errnoCode } from '#base';

/** Not while the container starts, and perhaps ends, that has just taken one. */
const REFILL_MS = 50;
/** No container's id. */
const NAME = '.spare';

export class SpareFolder {
  readonly #path: string;
  #isThere = false;
  #isRefilling = false;

  /** `root` holds the folders of the containers. What an earlier daemon left there goes. */
  constructor(root: string) {
    this.#path = `${root}/${NAME}`;
    rmSync(this.#path, { recursive: true, force: true });
  }

  /**
   * Puts it in this place, with the folders `diff` (mode 0755) and `work` in it. False when there is none, or something is in
   * that place already.
   */
  take(place: string): boolean {
    if (!this.#isRefilling) {
      this.#isRefilling = true;
      setTimeout(() => this.#make(), REFILL_MS).unref();
    }
    if (!this.#isThere) return false;
    try {
      renameSync(this.#path, place);
    } catch (error) {
      const code = errnoCode(error);
      // Somebody has cleaned up in our data folder; to make all of it anew is the way without a spare.
      if (code === 'ENOENT') this.#isThere = false;
      if (code === 'ENOENT' || code === 'ENOTEMPTY' || code === 'EEXIST') return false;
      throw error;
    }
    this.#isThere = false;
    return true;
  }

  /** Whether a name in the root is that of a container. */
  static isOther(name: string): boolean {
    return name !== NAME;
  }

  #make(): void {
    this.#isRefilling = false;
    if (this.#isThere) return;
    try {
      for (const path of [this.#path, `${this.#path}/diff`, `${this.#path}/work`]) mkdirSync(path, { mode: 0o700 });
      // Whatever this process's umask says.
      chmodSync(`${this.#path}/diff`, 0o755);
      this.#isThere = true;
    } catch {
      // A full disk, or the data folder is gone: whoever needs folders hears of it.
      rmSync(this.#path, { recursive: true, force: true });
    }
  }
}
