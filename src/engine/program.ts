/** What a container runs: its own settings over the image's. */
import { defaultPath } from '#runtime';
import type { ImageConfig } from '#images';
import type { ContainerId } from '#base';
import type { ResolvedProgram } from './container-record.ts';
import { type ContainerSettings, type HostSettings, networkingOf } from './container-settings.ts';
import { errors } from './errors.ts';
import { mergeHealthcheck } from './health/healthcheck.ts';
import { hostnameOf } from './oci-config.ts';

/**
 * compat: an entrypoint given for the container drops the image's command; environment is merged by name, the
 * container's last. Throws `container.noCommand`.
 */
export function resolveProgram(id: ContainerId, settings: ContainerSettings, image: ImageConfig): ResolvedProgram {
  const ownEntrypoint = settings.entrypoint !== undefined;
  const entrypoint = settings.entrypoint ?? image.entrypoint;
  const command = settings.command.length > 0 || ownEntrypoint ? settings.command : image.command;
  const own = [...entrypoint, ...command];
  if (own.length === 0 || own[0] === '') throw errors.noCommand();
  const shell = settings.shell ?? image.shell;
  const healthcheck = mergeHealthcheck(settings.healthcheck, image.healthcheck);
  return {
    args: runsInit(settings.host) ? [...initWords(settings.host), ...own] : own,
    entrypoint: entrypoint.length === 0 ? null : entrypoint,
    command: command.length === 0 ? null : command,
    env: mergeEnvironment([
      [defaultPath, `HOSTNAME=${hostnameOf(id, settings.hostname)}`, ...(settings.tty ? ['TERM=xterm'] : [])],
      image.env,
      settings.env,
    ]),
    user: settings.user === '' ? image.user : settings.user,
    workingDirectory: workingDirectory(settings.workingDirectory || image.workingDirectory || '/'),
    stopSignal: settings.stopSignal ?? (image.stopSignal || 'SIGTERM'),
    labels: { ...image.labels, ...settings.labels },
    ...exposedPorts(settings, image),
    ...volumesOf(settings, image),
    ...(healthcheck ? { healthcheck } : {}),
    ...(shell.length > 0 ? { shell } : {}),
  };
}

/** Our own init is one of several programs of the helper, and is named; any other takes the program behind `--`. */
function initWords({ initPath }: HostSettings): string[] {
  return ['/sbin/docker-init', ...(initPath === undefined ? ['init'] : []), '--'];
}

/** compat: what is published is exposed too. */
function exposedPorts(settings: ContainerSettings, image: ImageConfig): Pick<ResolvedProgram, 'exposedPorts'> {
  const { exposedPorts: own, portBindings } = networkingOf(settings);
  const all = new Set([...image.exposedPorts.map(withProtocol), ...own, ...Object.keys(portBindings)]);
  return all.size === 0 ? {} : { exposedPorts: [...all].sort() };
}

function volumesOf({ volumes = [] }: ContainerSettings, image: ImageConfig): Pick<ResolvedProgram, 'volumes'> {
  const all = new Set([...image.volumes, ...volumes]);
  return all.size === 0 ? {} : { volumes: [...all].sort() };
}

const withProtocol = (port: string): string => (port.includes('/') ? port : `${port}/tcp`);

/** `--init`, which makes no sense where the container's first process is not pid 1. */
export function runsInit({ init, pidMode }: HostSettings): boolean {
  return init && pidMode === '';
}

/** Later lists win; a name without `=` removes what stood before (compat: `-e NAME` with NAME unset on the client). */
export function mergeEnvironment(lists: readonly (readonly string[])[]): string[] {
  const merged = new Map<string, string>();
  for (const entry of lists.flat()) {
    const at = entry.indexOf('=');
    if (at < 0) merged.delete(entry);
    else merged.set(entry.slice(0, at), entry);
  }
  return [...merged.values()];
}

function workingDirectory(path: string): string {
  if (path.startsWith('/')) return path;
  throw errors.invalid(`the working directory '${path}' is invalid, it needs to be an absolute path`);
}
