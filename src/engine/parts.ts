/** What the engine's operations share. Each takes it as its first parameter; the daemon wires it. */
import { because, type KeyedMutex, type Log } from '#base';
import type { Images, Snapshots } from '#images';
import type { HostFacts } from '#linux';
import type { Networks } from '#network';
import type { RegistryClient } from '#registry';
import type { ContainerRuntime, HostMounts } from '#runtime';
import type { Volumes } from '#volumes';
import type { Attachments } from './attachments.ts';
import type { ContainerRecord, Containers } from './container-record.ts';
import type { SettingsCell } from './daemon-settings.ts';
import { errors } from './errors.ts';
import type { Events } from './events.ts';
import type { ExecInstances, PreparedExecs } from './exec-instances.ts';
import type { HealthMonitors } from './health/monitors.ts';
import type { LogCompressor } from './log-drivers/log-compressor.ts';
import type { Shipments } from './log-drivers/shipments.ts';
import type { LiveContainers } from './live.ts';
import type { LogPlace } from './log-files.ts';
import type { Restarts } from './restarts.ts';

/** Folders and limits of one engine. */
export interface EngineOptions {
  readonly dataRoot: string;
  readonly execRoot: string;
  /** The cgroup above the containers', such as `/skiff`. */
  readonly cgroupParent: string;
  /** This engine among others, for as long as its data folder lives. */
  readonly engineId: string;
}

type DataRoot = Pick<EngineOptions, 'dataRoot'>;

export interface EngineParts {
  readonly options: EngineOptions;
  readonly settings: SettingsCell;
  readonly containers: Containers;
  readonly live: LiveContainers;
  readonly attachments: Attachments;
  readonly execs: ExecInstances;
  readonly preparedExecs: PreparedExecs;
  readonly restarts: Restarts;
  readonly healthMonitors: HealthMonitors;
  /** Lines on their way to log servers. */
  readonly shipments: Shipments;
  readonly logCompressor: LogCompressor;
  readonly images: Images;
  readonly snapshots: Snapshots;
  readonly networks: Networks;
  readonly volumes: Volumes;
  readonly registry: RegistryClient;
  readonly runtime: ContainerRuntime;
  readonly hostMounts: HostMounts;
  readonly facts: HostFacts;
  readonly events: Events;
  readonly locks: KeyedMutex;
  readonly log: Log;
}

/** The container a user means. Throws `container.noSuch` and `container.ambiguous`. */
export function findContainer(parts: Pick<EngineParts, 'containers'>, reference: string): ContainerRecord {
  const found = parts.containers.find(reference);
  if (found === undefined) throw errors.noSuch(reference);
  if (found === 'ambiguous') throw errors.ambiguous(reference);
  return found;
}

/**
 * Looks at what a container has on the disk, without its lock: when it is removed meanwhile, or not made yet, what fails is
 * answered as if it had not been there.
 */
export async function whileThere<T>(
  { containers }: Pick<EngineParts, 'containers'>,
  id: string,
  look: () => Promise<T>,
): Promise<T> {
  try {
    return await look();
  } catch (error) {
    const record = containers.get(id);
    if (record === undefined || record.status === 'removing' || record.unfinished)
      throw because(errors.noSuch(id), error);
    throw error;
  }
}

/** Where a container keeps what lives as long as it runs: socket, pid and exit of its shim, its managed files. */
export function runDirectoryOf(options: EngineOptions, id: string): string {
  return `${options.execRoot}/containers/${id}`;
}

/** Health checks' execs have folders of this name in the run directory, other execs have `exec-`. */
export const PROBE_FOLDER = 'probe-';

/** Where a container keeps what outlives its runs. */
export function dataDirectoryOf(options: DataRoot, id: string): string {
  return `${options.dataRoot}/containers/${id}`;
}

export function logPathOf(options: DataRoot, id: string): string {
  return `${dataDirectoryOf(options, id)}/${id}-json.log`;
}

/** The files of its log, when old ones of it are compressed. */
export function compressedLogOf(options: DataRoot, record: ContainerRecord | undefined): LogPlace | undefined {
  const log = record?.settings.host.log;
  return log?.isCompressed ? { path: logPathOf(options, record!.id), maxFiles: log.maxFiles } : undefined;
}

export function cgroupsPathOf(options: EngineOptions, record: ContainerRecord): string {
  return cgroupsPathBelow(record.settings.host.cgroupParent || options.cgroupParent, record.id);
}

export function cgroupsPathBelow(parent: string, id: string): string {
  return `${parent.startsWith('/') ? '' : '/'}${parent}/${id}`;
}

/** Attributes of a container's events: its labels, its image and its name (compat: moby's LogContainerEvent). */
export function eventAttributes(record: ContainerRecord): Record<string, string> {
  return { ...record.program.labels, image: record.settings.image, name: record.name };
}
