/**
 * Layers on disk: a folder each, `<dataRoot>/layers/<key>/diff`, in the form overlayfs stacks, and a record of each.
 *
 * The key is the DiffID's digits where a layer says everything itself; where it took something from the layers below
 * (see settle-layer.ts) it is `chain-` and the digits of the ChainID, for the same archive on another stack differs.
 * A layer that was built here is `build-` and a random number: its DiffID is known only once somebody has made an archive
 * of it (`name`), and its folder has to keep its place meanwhile.
 *
 * A layer is filled under a temporary name, renamed when complete, and recorded after that: what has a record is whole.
 * Its data comes to the disk a moment later (delayed-sync.ts); a start after a power cut unpacks again what was made since.
 * Which layers are wanted is known by the images, not here.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, readlinkSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import {
  type Branded,
  type Digest,
  digestParts,
  errnoCode,
  formatTimeNs,
  nowNs,
  type RecordStore,
  type RecordStores,
} from '#base';
import { removeTree, spreadFolders } from '#linux';

/** The name of a layer's folder. */
export type LayerKey = Branded<'LayerKey'>;

export interface LayerRecord {
  readonly version: 1;
  readonly key: LayerKey;
  /** Of the uncompressed archive; absent while no archive was made of one that was built here. */
  readonly diffId?: Digest;
  /** Of the stack it belongs to, where it makes sense only there. */
  readonly chainId?: Digest;
  /** Bytes of its files, as Docker counts. */
  readonly sizeBytes: number;
  /** Whether the archive says owner and mode of the root folder. */
  readonly givesRoot: boolean;
  /** Whether nothing below it is seen. */
  readonly hidesBelow: boolean;
  readonly createdAt: string;
}

export interface NewLayer {
  readonly diffId: Digest;
  readonly chainId?: Digest | undefined;
  readonly sizeBytes: number;
  readonly givesRoot?: boolean | undefined;
  readonly hidesBelow?: boolean | undefined;
}

export interface PendingLayer extends AsyncDisposable {
  /** Empty, 0755: to be filled. */
  readonly folder: string;
  /** Makes it a layer; when there is one with this key already, that one stays and this one goes. */
  commit(layer: NewLayer): Promise<LayerRecord>;
  /** Makes it a layer that was built here; `claim` is called before it is one. Its size is told later, with `measured`. */
  commitBuilt(claim: (key: LayerKey) => void): Promise<LayerRecord>;
}

/** What is not as it should be. */
export interface LayerFault {
  readonly kind: 'record-without-folder' | 'folder-without-record' | 'leftover';
  /** The layer's key, or the name of what is left over. */
  readonly name: string;
  readonly path: string;
}

export interface LayerStoreOptions {
  readonly dataRoot: string;
  readonly records: RecordStores;
  /** Told before a layer is recorded whose data somebody else brings to the disk. */
  readonly delay?: { note(): void };
  /** Prepares a new store for its file system. */
  readonly helperProgram?: string;
}

export class LayerStore {
  readonly #root: string;
  readonly #links: string;
  readonly #delay: { note(): void } | undefined;
  readonly #records: RecordStore<LayerRecord>;
  /** Names of folders that are being filled, or have their place and no record yet. */
  readonly #underWay = new Set<string>();
  /** Layers built here, by what an archive of them has. */
  readonly #built = new Map<Digest, LayerKey>();

  /** Makes the store's folder. It is closed to other users: layers hold setuid programs. */
  constructor({ dataRoot, records, helperProgram, delay }: LayerStoreOptions) {
    this.#delay = delay;
    this.#root = `${dataRoot}/layers`;
    this.#links = `${dataRoot}/l`;
    this.#records = records.of<LayerRecord>('layer', { keepsRead: true });
    const made = mkdirSync(this.#root, { recursive: true, mode: 0o700 });
    if (made !== undefined && helperProgram !== undefined) spreadFolders(this.#root, { program: helperProgram });
    for (const { key, diffId } of this.list()) if (isBuilt(key) && diffId !== undefined) this.#built.set(diffId, key);
  }

  /** The layer for this place in a stack: one that is the same everywhere, or the one made for this stack. */
  find(diffId: Digest, chainId: Digest): LayerRecord | undefined {
    const built = this.#built.get(diffId);
    return (
      this.get(layerKey(diffId)) ??
      this.get(layerKey(diffId, chainId)) ??
      (built === undefined ? undefined : this.get(built))
    );
  }

  /** The archive of a layer that was built here has this digest. */
  name(key: LayerKey, diffId: Digest): void {
    this.#change(key, { diffId });
    this.#built.set(diffId, key);
  }

  /** A layer that was built here has files of so many bytes. */
  measured(key: LayerKey, sizeBytes: number): void {
    this.#change(key, { sizeBytes });
  }

  #change(key: LayerKey, change: Partial<Pick<LayerRecord, 'diffId' | 'sizeBytes'>>): void {
    const record = this.get(key);
    if (record) this.#records.put(key, { ...record, ...change });
  }

  get(key: LayerKey): LayerRecord | undefined {
    return this.#records.get(key);
  }

  list(): LayerRecord[] {
    return this.#records.list();
  }

  /** The root of a layer's files, whether it is there or not. */
  folder(key: LayerKey): string {
    return `${this.#root}/${key}/diff`;
  }

  /** Another, short name of that folder, `<dataRoot>/l/<6 digits or more>`; made when first asked for. */
  shortFolder(key: LayerKey): string {
    const digits = key.replace(/^.*-/, '');
    const target = `../layers/${key}/diff`;
    for (let length = 6; ; length += 1) {
      // A layer and its form for a stack never have the same digits; two layers may begin alike.
      const path = `${this.#links}/${digits.slice(0, length)}`;
      if (isLinkTo(path, target)) return path;
    }
  }

  /** A folder to fill. Disposing it removes what was not committed. */
  begin(): PendingLayer {
    const name = temporaryName();
    const path = `${this.#root}/${name}`;
    const folder = `${path}/diff`;
    this.#underWay.add(name);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o755);
    return {
      folder,
      commit: (layer) => this.#commit(path, layer),
      commitBuilt: (claim) => this.#commitBuilt(path, claim),
      [Symbol.asyncDispose]: async () => {
        await removeTree(path);
        this.#underWay.delete(name);
      },
    };
  }

  /** Removes every layer nobody wants, all of them in one turn: nobody can begin to want one in between. Gives what went. */
  async collect(wanted: ReadonlySet<LayerKey>): Promise<LayerRecord[]> {
    const removed = this.list().filter(({ key }) => !wanted.has(key));
    const folders = removed.map(({ key, diffId }) => {
      this.#records.delete(key);
      if (diffId !== undefined && this.#built.get(diffId) === key) this.#built.delete(diffId);
      return this.#takeAway(key);
    });
    for (const path of folders) if (path !== undefined) await removeTree(path);
    return removed;
  }

  /** Removes a layer; what is missing is no error. */
  async remove(key: LayerKey): Promise<void> {
    this.#records.delete(key);
    const removed = this.#takeAway(key);
    if (removed !== undefined) await removeTree(removed);
  }

  /** The same before anything else goes on: at the start. */
  removeNow(key: LayerKey): void {
    this.#records.delete(key);
    removeLeftover(this.#takeAway(key));
  }

  /** What a crash, or somebody else, has left. What is being made is passed over. */
  check(): LayerFault[] {
    const faults: LayerFault[] = [];
    const names = new Set(readdirSync(this.#root));
    for (const { key } of this.list()) {
      const path = this.folder(key);
      if (!existsSync(path)) faults.push({ kind: 'record-without-folder', name: key, path });
    }
    for (const name of names) {
      if (this.#underWay.has(name)) continue;
      const path = `${this.#root}/${name}`;
      if (isTemporary(name)) faults.push({ kind: 'leftover', name, path });
      else if (!this.#records.get(name)) faults.push({ kind: 'folder-without-record', name, path });
    }
    return faults;
  }

  /** Removes what `check` finds: records without their folder, folders without a record. Gives what it was. */
  repair(): LayerFault[] {
    const faults = this.check();
    for (const { kind, name, path } of faults) {
      if (kind === 'record-without-folder') this.#records.delete(name);
      else removeLeftover(kind === 'leftover' ? path : this.#takeAway(name as LayerKey));
    }
    this.#removeDeadLinks();
    return faults;
  }

  async #commit(path: string, layer: NewLayer): Promise<LayerRecord> {
    const key = layerKey(layer.diffId, layer.chainId);
    const existing = this.get(key);
    if (existing) return existing;
    return this.#record(path, {
      version: 1,
      key,
      diffId: layer.diffId,
      ...(layer.chainId === undefined ? {} : { chainId: layer.chainId }),
      sizeBytes: layer.sizeBytes,
      givesRoot: layer.givesRoot ?? false,
      hidesBelow: layer.hidesBelow ?? false,
      createdAt: formatTimeNs(nowNs()),
    });
  }

  /** The folder was the topmost of a stack, so it says of the root what the stack does. */
  #commitBuilt(path: string, claim: (key: LayerKey) => void): Promise<LayerRecord> {
    const key = `${BUILT}${randomBytes(16).toString('hex')}` as LayerKey;
    const createdAt = formatTimeNs(nowNs());
    claim(key);
    return this.#record(path, { version: 1, key, sizeBytes: 0, givesRoot: true, hidesBelow: false, createdAt });
  }

  async #record(path: string, record: LayerRecord): Promise<LayerRecord> {
    const { key } = record;
    this.#delay?.note();
    this.#underWay.add(key);
    using _done = { [Symbol.dispose]: () => void this.#underWay.delete(key) };
    await this.#moveIn(path, key);
    try {
      this.#records.put(key, record);
    } catch (error) {
      removeLeftover(this.#takeAway(key));
      throw error;
    }
    return record;
  }

  /** Renames and makes that durable, so that a record never comes back without its folder. */
  async #moveIn(path: string, key: LayerKey): Promise<void> {
    try {
      await rename(path, `${this.#root}/${key}`);
    } catch (error) {
      // Another has committed the same layer in the meantime.
      if (errnoCode(error) !== 'ENOTEMPTY' && errnoCode(error) !== 'EEXIST') throw error;
    }
    if (this.#delay) return;
    await using root = await open(this.#root, 'r');
    await root.sync();
  }

  /** Renames before removing, so that a crash in between does not leave half a layer. */
  #takeAway(key: LayerKey): string | undefined {
    const path = `${this.#root}/${temporaryName()}`;
    try {
      renameSync(`${this.#root}/${key}`, path);
      return path;
    } catch (error) {
      if (errnoCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  #removeDeadLinks(): void {
    if (!existsSync(this.#links)) return;
    for (const name of readdirSync(this.#links)) {
      const path = `${this.#links}/${name}`;
      if (!existsSync(path)) rmSync(path, { force: true });
    }
  }
}

/** The key of a layer that says everything itself, or of its form for one stack. */
export function layerKey(diffId: Digest, chainId?: Digest): LayerKey {
  if (chainId !== undefined) return `chain-${digestParts(chainId).hex}` as LayerKey;
  const { algorithm, hex } = digestParts(diffId);
  return (algorithm === 'sha256' ? hex : `${algorithm}-${hex}`) as LayerKey;
}

/** Makes the link where there is none; false when something else has the name. */
function isLinkTo(path: string, target: string): boolean {
  for (;;) {
    try {
      return readlinkSync(path) === target;
    } catch (error) {
      if (errnoCode(error) !== 'ENOENT') throw error;
    }
    mkdirSync(path.slice(0, path.lastIndexOf('/')), { recursive: true, mode: 0o700 });
    try {
      symlinkSync(target, path);
      return true;
    } catch (error) {
      if (errnoCode(error) !== 'EEXIST') throw error;
    }
  }
}

/** What cannot be removed keeps its temporary name, harms nobody, and is tried again at the next start. */
function removeLeftover(path: string | undefined): void {
  if (path === undefined) return;
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    removeTree(path).catch(() => {});
  }
}

const BUILT = 'build-';
const isBuilt = (key: LayerKey): boolean => key.startsWith(BUILT);
const temporaryName = (): string => `tmp-${randomBytes(8).toString('hex')}`;
const isTemporary = (name: string): boolean => name.startsWith('tmp-');
