/**
 * Layers on disk: one folder each, named by DiffID, `<dataRoot>/layers/<hex>/diff`, with its size beside it.
 *
 * A layer is filled under a temporary name and renamed when complete, so what has its final name is whole. Which
 * layers are wanted is known by the image records, not here.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type Digest, errnoCode } from '#base';
import { removeTree } from '#linux';

export interface PendingLayer extends AsyncDisposable {
  /** Empty, 0755: to be filled. */
  readonly folder: string;
  /** Makes it a layer; when there is one with this DiffID already, that one stays and this one goes. */
  commit(diffId: Digest, sizeBytes: number): void;
}

export class LayerStore {
  readonly #root: string;

  /** Makes the store's folder. It is closed to other users: layers hold setuid programs. */
  constructor(dataRoot: string) {
    this.#root = `${dataRoot}/layers`;
    mkdirSync(this.#root, { recursive: true, mode: 0o700 });
  }

  /** The root of a layer's files, whether it is there or not. */
  folder(diffId: Digest): string {
    return `${this.#root}/${hexOf(diffId)}/diff`;
  }

  has(diffId: Digest): boolean {
    return existsSync(this.folder(diffId));
  }

  /** A folder to fill. Disposing it removes what was not committed. */
  begin(): PendingLayer {
    const path = `${this.#root}/${temporaryName()}`;
    const folder = `${path}/diff`;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o755);
    return {
      folder,
      commit: (diffId, sizeBytes) => {
        writeFileSync(`${path}/size`, `${sizeBytes}\n`, { mode: 0o600 });
        this.#moveIn(path, diffId);
      },
      [Symbol.asyncDispose]: () => removeTree(path),
    };
  }

  /** Removes a layer; what is missing is no error. */
  async remove(diffId: Digest): Promise<void> {
    const removed = this.#takeAway(hexOf(diffId));
    if (removed !== undefined) await removeTree(removed);
  }

  /** After a crash: removes what was not complete and the layers nobody wants. */
  cleanUp(wanted: ReadonlySet<Digest>): void {
    const names = new Set([...wanted].map(hexOf));
    for (const name of readdirSync(this.#root)) {
      if (names.has(name)) continue;
      const path = isTemporary(name) ? `${this.#root}/${name}` : this.#takeAway(name);
      if (path !== undefined) removeLeftover(path);
    }
  }

  #moveIn(path: string, diffId: Digest): void {
    try {
      renameSync(path, `${this.#root}/${hexOf(diffId)}`);
    } catch (error) {
      if (errnoCode(error) !== 'ENOTEMPTY' && errnoCode(error) !== 'EEXIST') throw error;
    }
  }

  /** Renames before removing, so that a crash in between does not leave half a layer. */
  #takeAway(name: string): string | undefined {
    const path = `${this.#root}/${temporaryName()}`;
    try {
      renameSync(`${this.#root}/${name}`, path);
      return path;
    } catch (error) {
      if (errnoCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }
}

/** What cannot be removed keeps its temporary name, harms nobody, and is tried again at the next start. */
function removeLeftover(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    removeTree(path).catch(() => {});
  }
}

const temporaryName = (): string => `tmp-${randomBytes(8).toString('hex')}`;
const isTemporary = (name: string): boolean => name.startsWith('tmp-');
const hexOf = (digest: Digest): string => digest.slice('sha256:'.length);
