/**
 * A folder that a build gives, written below another: FileSend/DiffCopy with us as the receiver. Nothing is followed that
 * is a symlink, and files get their names when they are whole. They belong to whoever receives them, as with BuildKit's own
 * clients. What was there before stays, or goes when everything else is here.
 */
import { randomBytes } from 'node:crypto';
import {
  chmod,
  type FileHandle,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  symlink,
  unlink,
  utimes,
} from 'node:fs/promises';
import { because, errnoCode, messageOf } from '#base';
import { fsutil } from '#specs/buildkit';
import { isListedPath, MAX_LISTED, permissionsOfGoMode, typeOfGoMode } from '#wire';
import { errors } from './errors.ts';

type Packet = fsutil.Packet;
const { PACKET_STAT, PACKET_REQ, PACKET_DATA, PACKET_FIN, PACKET_ERR } = fsutil.Packet_PacketType;

/** Files that are asked for and not here yet. */
const MAX_OPEN = 16;

export interface FolderTarget {
  readonly path: string;
  /** What is in it and does not come is removed, once everything has come. */
  readonly mirrors: boolean;
}

/**
 * Answers packets with packets. Throws `session.badListing`, `session.device`, `session.inTheWay`, `session.cannotWrite`, and
 * Node's errors.
 */
export async function* receiveFolder(
  packets: AsyncIterable<Packet>,
  target: FolderTarget,
): AsyncGenerator<Partial<Packet>> {
  await mkdir(target.path, { recursive: true });
  const receiver = new Receiver(target);
  try {
    for await (const packet of packets) {
      if (packet.type === PACKET_STAT) {
        if (packet.stat) await receiver.list(packet.stat);
        else receiver.isListed = true;
      } else if (packet.type === PACKET_DATA) await receiver.data(packet.ID, packet.data);
      else if (packet.type === PACKET_FIN) {
        await receiver.finish();
        return;
      } else if (packet.type === PACKET_ERR) throw errors.badListing(Buffer.from(packet.data).toString());
      for (const id of receiver.wanted()) yield { type: PACKET_REQ, ID: id };
      if (receiver.isDone()) yield { type: PACKET_FIN };
    }
    throw errors.badListing('it ended in the middle');
  } finally {
    await receiver.close();
  }
}

interface ListedFile {
  readonly id: number;
  readonly path: string;
  readonly stat: fsutil.Stat;
}

class Receiver {
  readonly #root: string;
  readonly #mirrors: boolean;
  /** Folders of the list: only in them something can be. */
  readonly #folders = new Set<string>(['']);
  /** All of the list, where others are to go. */
  readonly #listed = new Set<string>();
  readonly #dated: { readonly path: string; readonly time: number; readonly mode: number }[] = [];
  readonly #waiting: ListedFile[] = [];
  readonly #open = new Map<
    number,
    { readonly file: ListedFile; readonly handle: FileHandle; readonly temporary: string }
  >();
  readonly #links: { readonly path: string; readonly existing: string }[] = [];
  isListed = false;
  #count = 0;
  #asked = new Set<number>();
  #saidDone = false;

  constructor({ path, mirrors }: FolderTarget) {
    this.#root = path;
    this.#mirrors = mirrors;
  }

  async list(stat: fsutil.Stat): Promise<void> {
    const id = this.#count++;
    if (id >= MAX_LISTED) throw errors.badListing(`it has more than ${MAX_LISTED} entries`);
    const { path, mode } = stat;
    if (!isListedPath(path)) throw errors.badListing(`${JSON.stringify(path)} is no clean path inside of it`);
    if (!this.#folders.has(parentOf(path))) throw errors.badListing(`${path} is in no folder of it`);
    if (this.#mirrors) this.#listed.add(path);
    const full = `${this.#root}/${path}`;
    const type = typeOfGoMode(mode);
    if (type === 'directory') {
      await makeFolder(full);
      this.#folders.add(path);
      this.#dated.push({ path: full, time: secondsOf(stat), mode: permissionsOf(mode) });
    } else if (type === 'symlink') {
      await this.#clear(full);
      await symlink(stat.linkname, full);
    } else if (type !== 'file') throw errors.device(path);
    else if (stat.linkname !== '') {
      if (!isListedPath(stat.linkname)) throw errors.badListing(`${path} links to ${stat.linkname}`);
      if (!this.#folders.has(parentOf(stat.linkname))) {
        throw errors.badListing(`${path} links to ${stat.linkname}, which is in no folder of it`);
      }
      // Its file may still be on the way.
      this.#links.push({ path: full, existing: `${this.#root}/${stat.linkname}` });
    } else this.#waiting.push({ id, path: full, stat });
  }

  /** Those to ask for now. */
  *wanted(): Generator<number> {
    while (this.#asked.size < MAX_OPEN) {
      const file = this.#waiting.shift();
      if (!file) return;
      this.#asked.add(file.id);
      this.#pending.set(file.id, file);
      yield file.id;
    }
  }

  readonly #pending = new Map<number, ListedFile>();

  async data(id: number, bytes: Uint8Array): Promise<void> {
    const pending = this.#pending.get(id);
    if (pending) {
      this.#pending.delete(id);
      await this.#clear(pending.path);
      const temporary = `${pending.path.slice(0, pending.path.lastIndexOf('/'))}/.skiff-${randomBytes(6).toString('hex')}`;
      this.#open.set(id, { file: pending, handle: await open(temporary, 'wx', 0o600), temporary });
    }
    const opened = this.#open.get(id);
    if (!opened) throw errors.badListing(`content of number ${id}, which was not asked for`);
    const { file, handle, temporary } = opened;
    if (bytes.length > 0) return append(handle, file.path, bytes);
    const time = secondsOf(file.stat);
    await handle.chmod(permissionsOf(file.stat.mode));
    await handle.utimes(time, time);
    await handle.close();
    await rename(temporary, file.path);
    this.#open.delete(id);
    this.#asked.delete(id);
  }

  /** Said once: everything that was listed is here. */
  isDone(): boolean {
    if (this.#saidDone || !this.isListed || this.#asked.size > 0 || this.#waiting.length > 0) return false;
    this.#saidDone = true;
    return true;
  }

  async finish(): Promise<void> {
    for (const { path, existing } of this.#links) {
      await this.#clear(path);
      await link(existing, path);
    }
    if (this.#mirrors) for (const folder of this.#folders) await this.#removeOthers(folder);
    // Innermost first: what is made in a folder changes its time.
    for (const { path, time, mode } of this.#dated.toReversed()) {
      await chmod(path, mode);
      await utimes(path, time, time);
    }
  }

  /** Takes away what has the name. Throws `session.inTheWay` for a folder that has to stay. */
  async #clear(path: string): Promise<void> {
    try {
      if (!(await lstat(path)).isDirectory()) await unlink(path);
      else if (this.#mirrors) await rm(path, { recursive: true });
      else throw errors.inTheWay(path);
    } catch (error) {
      if (errnoCode(error) !== 'ENOENT') throw error;
    }
  }

  async #removeOthers(folder: string): Promise<void> {
    const place = folder === '' ? this.#root : `${this.#root}/${folder}`;
    for (const name of await readdir(place)) {
      if (!this.#listed.has(folder === '' ? name : `${folder}/${name}`))
        await rm(`${place}/${name}`, { recursive: true });
    }
  }

  /** Nothing half-written stays. */
  async close(): Promise<void> {
    for (const { handle, temporary } of this.#open.values()) {
      await handle.close().catch(() => {});
      await rm(temporary, { force: true });
    }
  }
}

/** Throws `session.cannotWrite`: what Node says of a full disk has no path in it. */
async function append(handle: FileHandle, path: string, bytes: Uint8Array): Promise<void> {
  try {
    await handle.appendFile(bytes);
  } catch (error) {
    throw because(errors.cannotWrite(path, messageOf(error)), error);
  }
}

const parentOf = (path: string): string => path.slice(0, Math.max(path.lastIndexOf('/'), 0));

const secondsOf = ({ modTime }: fsutil.Stat): number => Number(modTime) / 1e9;

/** Without set-uid and set-gid: the owner is somebody else here. */
const permissionsOf = (mode: number): number => permissionsOfGoMode(mode) & 0o1777;

/** A folder that is there stays with what is in it; a symlink is none. */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (errnoCode(error) !== 'EEXIST') throw error;
    if ((await lstat(path)).isDirectory()) return;
    await unlink(path);
    await mkdir(path);
  }
}
