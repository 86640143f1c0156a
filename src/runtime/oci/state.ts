/**
 * The state folder of the OCI command line: `ROOT/ID/` with `state.json`, `start.sock` while the container waits to be
 * started, and `lock.N`.
 *
 * `state.json` is versioned and replaced atomically. It keeps the config as it was at creation: what is changed in the
 * bundle afterwards has no effect (runtime.md, "Lifecycle").
 */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { errnoCode, writeFileAtomic } from '#base';
import { type CgroupHost, openCgroup, readCgroupHost, readProcessStat } from '#linux';
import { formatJson64, OCI_RUNTIME_VERSION, parseJson64, type RuntimeConfig, type State } from '#specs';
import { errors } from '../errors.ts';
import { observe, type Status } from './status.ts';

const VERSION = 1;

export interface ContainerState {
  readonly version: typeof VERSION;
  readonly id: string;
  /** Absolute. */
  readonly bundle: string;
  readonly rootfs: string;
  readonly config: RuntimeConfig;
  /** Absent when cgroups could not be used and need not be (`--rootless`). */
  readonly cgroupsPath?: string;
  /** RFC 3339. */
  readonly created: string;
  readonly ownerUid: number;
  /** Whether its processes keep the session keyring of who starts them. */
  readonly noNewKeyring: boolean;
  readonly life: Life;
}

/** Who creates it, then its first process; start times are field 22 of /proc/PID/stat. */
export type Life = { readonly phase: 'creating' | 'created'; readonly pid: number; readonly startTime: string };

/** Makes the folder of a new container. Throws `runtime.invalidId` and `runtime.exists`. */
export function claimFolder(root: string, id: string): string {
  const folder = folderOf(root, id);
  mkdirSync(root, { recursive: true, mode: 0o711 });
  try {
    mkdirSync(folder, { mode: 0o711 });
  } catch (error) {
    if (errnoCode(error) === 'EEXIST') throw errors.exists(id);
    throw error;
  }
  return folder;
}

/** compat: the characters are runc's; `.` and `..` are no names. Throws `runtime.invalidId`. */
export function folderOf(root: string, id: string): string {
  if (!/^[\w+.-]+$/.test(id) || id === '.' || id === '..') throw errors.invalidId(id);
  return `${root}/${id}`;
}

export const startSocket = (folder: string): string => `${folder}/start.sock`;

export function saveState(folder: string, state: ContainerState): void {
  writeFileAtomic(`${folder}/state.json`, formatJson64(state));
}

/** Throws `runtime.noSuch`, or `runtime.badState` for a file this version cannot read. */
export function loadState(root: string, id: string): ContainerState {
  const file = `${folderOf(root, id)}/state.json`;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (errnoCode(error) === 'ENOENT' || errnoCode(error) === 'ENOTDIR') throw errors.noSuch(id);
    throw error;
  }
  return fromRecord(parseRecord(file, text), file);
}

/** Names of all folders, of containers half made too. */
export function listFolders(root: string): string[] {
  try {
    const entries = readdirSync(root, { withFileTypes: true });
    return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort();
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return [];
    throw error;
  }
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** The container's process while it lives; a zombie does not. */
export function liveProcess({ life }: ContainerState): { execed: boolean } | undefined {
  if (life.phase !== 'created') return undefined;
  const stat = readProcessStat(life.pid);
  if (!stat || String(stat.startTime) !== life.startTime || stat.state === 'Z' || stat.state === 'X') return undefined;
  return stat;
}

/** Asks the kernel. */
export function statusOf(state: ContainerState, host: CgroupHost = readCgroupHost()): Status {
  const { life, cgroupsPath } = state;
  const process = liveProcess(state);
  const beingCreated = life.phase === 'creating' && String(readProcessStat(life.pid)?.startTime) === life.startTime;
  const freezer = process && cgroupsPath !== undefined ? openCgroup(cgroupsPath, host).state() : 'gone';
  const frozen = freezer === 'frozen' || freezer === 'freezing';
  return observe({ beingCreated, frozen, ...(process && { process }) });
}

/** What `state` prints and hooks read. spec: runtime.md, "State"; compat: pid 0 for a stopped one, as runc has it. */
export function publicState(state: ContainerState, status: Status): Omit<State, 'status'> & { status: Status } {
  const { life, config } = state;
  return {
    ociVersion: OCI_RUNTIME_VERSION,
    id: state.id,
    pid: status === 'stopped' || life.phase === 'creating' ? 0 : life.pid,
    status,
    bundle: state.bundle,
    ...(config.annotations && { annotations: config.annotations }),
  };
}

function parseRecord(file: string, text: string): unknown {
  try {
    return parseJson64(text);
  } catch (error) {
    throw errors.badState(file, error instanceof Error ? error.message : String(error));
  }
}

function fromRecord(record: unknown, file: string): ContainerState {
  const version = (record as { version?: unknown } | null)?.version;
  if (version !== VERSION) throw errors.badState(file, `version ${String(version)} is not ${VERSION}`);
  return record as ContainerState;
}
