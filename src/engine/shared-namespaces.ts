/**
 * `--pid` and `--ipc container:NAME`: namespaces of another container. And the memory containers share with one: /dev/shm of a
 * container that says `--ipc shareable` is mounted on the host, where the others bind it from.
 */
import { mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import { causeChain, errnoCode, messageOf } from '#base';
import type { ContainerRecord } from './container-record.ts';
import type { ContainerSettings } from './container-settings.ts';
import { errors } from './errors.ts';
import { hasProcess } from './lifecycle.ts';
import type { EngineOptions, EngineParts } from './parts.ts';

const OF_CONTAINER = 'container:';

export interface SharedNamespaces {
  /** Of another container's process; what is not there is its own. */
  readonly pid?: string;
  readonly ipc?: string;
  /** What /dev/shm is bound from. */
  readonly shmFolder?: string;
}

/** Other containers by their ids: they may be renamed. Throws `container.noNetworkOwner`'s words for one that is not there. */
export function settleSharedNamespaces(
  { containers }: Pick<EngineParts, 'containers'>,
  settings: ContainerSettings,
): ContainerSettings {
  const settle = <Mode extends string>(mode: Mode): Mode => {
    const reference = ownerIn(mode);
    if (reference === undefined) return mode;
    const target = containers.find(reference);
    if (!target || target === 'ambiguous') throw errors.noNetworkOwner(reference);
    return `${OF_CONTAINER}${target.id}` as Mode;
  };
  const { host } = settings;
  return { ...settings, host: { ...host, pidMode: settle(host.pidMode), ipcMode: settle(host.ipcMode) } };
}

/** For a start. Throws `container.startFailed`, in Docker's words, when the other does not run or shares no memory. */
export function sharedNamespaces(parts: EngineParts, { id, settings }: ContainerRecord): SharedNamespaces {
  const { pidMode, ipcMode } = settings.host;
  const [pidOwner, ipcOwner] = [ownerIn(pidMode), ownerIn(ipcMode)];
  const shmOwner = ipcOwner ?? (ipcMode === 'shareable' ? id : undefined);
  return {
    ...(pidOwner === undefined ? {} : { pid: `/proc/${processOf(parts, pidOwner)}/ns/pid` }),
    ...(ipcOwner === undefined ? {} : { ipc: `/proc/${ipcProcessOf(parts, ipcOwner)}/ns/ipc` }),
    ...(shmOwner === undefined ? {} : { shmFolder: shmFolderOf(parts.options, shmOwner) }),
  };
}

function processOf(parts: EngineParts, id: string): number {
  const target = parts.containers.get(id);
  if (!target) throw errors.startFailed(`No such container: ${id}`);
  if (!target.process) throw errors.startFailed(`container ${id} is not running`);
  return target.process.pid;
}

function ipcProcessOf(parts: EngineParts, id: string): number {
  const prefix = `can't join IPC of container ${id}: `;
  let pid: number;
  try {
    pid = processOf(parts, id);
  } catch (error) {
    throw errors.startFailed(`${prefix}${messageOf(error)}`);
  }
  if (parts.containers.get(id)?.settings.host.ipcMode === 'shareable') return pid;
  throw errors.startFailed(`${prefix}non-shareable IPC (hint: use IpcMode:shareable for the donor container)`);
}

const ownerIn = (mode: string): string | undefined =>
  mode.startsWith(OF_CONTAINER) ? mode.slice(OF_CONTAINER.length) : undefined;

const shmFolderOf = ({ execRoot }: Pick<EngineOptions, 'execRoot'>, id: string): string => `${execRoot}/shm/${id}`;

/** Has the memory of a container that shares it mounted. compat: as the runtime would mount it inside. */
export async function mountSharedMemory({ options, hostMounts }: EngineParts, record: ContainerRecord): Promise<void> {
  const { ipcMode, shmSizeBytes } = record.settings.host;
  if (ipcMode !== 'shareable') return;
  const folder = shmFolderOf(options, record.id);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const words = ['nosuid', 'noexec', 'nodev', 'mode=1777', `size=${shmSizeBytes}`];
  await hostMounts.mount({ type: 'tmpfs', device: 'shm', options: words }, folder);
}

/** After its end; who has bound it keeps it. Never throws. */
export async function unmountSharedMemory(parts: EngineParts, { id, settings }: ContainerRecord): Promise<void> {
  if (settings.host.ipcMode === 'shareable') await unmount(parts, shmFolderOf(parts.options, id));
}

/** After a start of the daemon: what is left of containers that do not run. */
export async function unmountLeftMemory(parts: EngineParts): Promise<void> {
  const folder = `${parts.options.execRoot}/shm`;
  for (const id of namesIn(folder)) {
    const record = parts.containers.get(id);
    if (!record || !hasProcess(record.status)) await unmount(parts, `${folder}/${id}`);
  }
}

async function unmount({ hostMounts, log }: EngineParts, folder: string): Promise<void> {
  try {
    for (const point of hostMounts.mountsIn(folder)) await hostMounts.unmount(point);
    rmdirSync(folder);
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return;
    log.error('shared memory could not be unmounted', { folder, error: causeChain(error) });
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
