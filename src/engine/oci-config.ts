/**
 * A container's record → its OCI config. A function of the record, the host's facts and the resolved user.
 *
 * compat: what Docker's daemon puts into config.json (moby daemon/oci_linux.go), see the container defaults.
 */
import { posix } from 'node:path';
import type { ContainerId } from '#base';
import type { HostFacts } from '#linux';
import {
  defaultMaskedPaths,
  defaultMounts,
  defaultNamespaces,
  defaultNetworkSysctls,
  defaultReadonlyPaths,
  type ResolvedUser,
} from '#runtime';
import { type Mount, type NamespaceType, OCI_RUNTIME_VERSION, type Process, type RuntimeConfig } from '#specs';
import { tweakCapabilities } from './capabilities.ts';
import type { ContainerRecord } from './container-record.ts';
import { type ContainerSettings, type HostSettings, networkModeOf } from './container-settings.ts';
import { containerDevices } from './devices.ts';
import { mountPointsOf } from './mounts/mount-point.ts';
import { type MountSources, userMounts } from './mounts/oci-mounts.ts';
import { toOciResources } from './resources.ts';
import type { SharedNamespaces } from './shared-namespaces.ts';

export interface OciConfigInput {
  readonly record: ContainerRecord;
  readonly user: ResolvedUser;
  readonly facts: HostFacts;
  readonly cgroupVersion: 1 | 2;
  readonly cgroupsPath: string;
  /** Host files to bind over /etc/hostname, /etc/hosts and /etc/resolv.conf. */
  readonly managedFiles: readonly { readonly destination: string; readonly source: string }[];
  readonly mountSources: Omit<MountSources, 'facts'>;
  /** A network namespace to join. */
  readonly networkNamespace?: string;
  /** What it has of other containers besides. */
  readonly shared?: SharedNamespaces;
  /** The program for `--init`. */
  readonly initProgram: string;
}

/** `root.path` is left to the caller: the root is an overlay. Throws `container.invalid`. */
export function toOciConfig(input: OciConfigInput): RuntimeConfig {
  const { record, cgroupsPath } = input;
  const { settings } = record;
  const { host } = settings;
  const devices = containerDevices(host);
  const namespaces = namespacesOf(settings, input);
  const { networkNamespace, shared = {} } = input;
  const joined: Partial<Record<NamespaceType, string | undefined>> = {
    network: networkNamespace,
    pid: shared.pid,
    ipc: shared.ipc,
  };
  const ownNetwork = namespaces.includes('network') && networkNamespace === undefined;
  const unconfinedPaths = host.privileged || host.securityOptions.includes('systempaths=unconfined');
  return {
    ociVersion: OCI_RUNTIME_VERSION,
    process: processOf(input),
    hostname: namespaces.includes('uts') ? hostnameOf(record.id, settings.hostname) : '',
    ...(settings.domainname === '' ? {} : { domainname: settings.domainname }),
    root: { path: 'rootfs', readonly: host.readonlyRootfs },
    mounts: mountsOf(input),
    ...(host.annotations ? { annotations: host.annotations } : {}),
    linux: {
      namespaces: namespaces.map((type) => {
        const path = joined[type];
        return path === undefined ? { type } : { type, path };
      }),
      devices: devices.nodes,
      cgroupsPath,
      resources: toOciResources(host.resources, devices.rules),
      sysctl: { ...(ownNetwork ? defaultNetworkSysctls : {}), ...host.sysctls },
      maskedPaths: host.maskedPaths ?? (unconfinedPaths ? [] : defaultMaskedPaths()),
      readonlyPaths: host.readonlyPaths ?? (unconfinedPaths ? [] : defaultReadonlyPaths),
      ...propagationOf(record),
    },
  };
}

/** compat: the first twelve digits of the id name a container nobody named a host. */
export function hostnameOf(id: ContainerId, wish: string): string {
  return wish === '' ? id.slice(0, 12) : wish;
}

function namespacesOf(settings: ContainerSettings, { facts, cgroupVersion }: OciConfigInput): NamespaceType[] {
  const { host } = settings;
  const shared = new Set<NamespaceType>();
  if (networkModeOf(settings) === 'host') shared.add('network');
  if (host.pidMode === 'host') shared.add('pid');
  if (host.ipcMode === 'host') shared.add('ipc');
  if (host.utsMode === 'host') shared.add('uts');
  const types = defaultNamespaces.filter((type) => !shared.has(type));
  if (facts.timeNamespace) types.push('time');
  if (cgroupVersion === 2 ? host.cgroupnsMode !== 'host' : host.cgroupnsMode === 'private') types.push('cgroup');
  return types;
}

function processOf({ record, user, facts }: OciConfigInput): Process {
  const { settings, program } = record;
  const { host } = settings;
  const capabilities = tweakCapabilities(host.capAdd, host.capDrop, host.privileged, facts.boundingCapabilities);
  return {
    terminal: settings.tty,
    ...(host.consoleSize ? { consoleSize: { height: host.consoleSize.rows, width: host.consoleSize.columns } } : {}),
    user: { uid: user.uid, gid: user.gid, additionalGids: user.additionalGids },
    args: program.args,
    env: program.env,
    cwd: program.workingDirectory,
    capabilities: { bounding: capabilities, permitted: capabilities, effective: user.uid === 0 ? capabilities : [] },
    rlimits: host.ulimits.map(({ name, soft, hard }) => ({ type: `RLIMIT_${name.toUpperCase()}`, soft, hard })),
    noNewPrivileges: host.securityOptions.some((option) => /^no-new-privileges([:=]true)?$/.test(option)),
    oomScoreAdj: host.oomScoreAdj,
  };
}

function mountsOf(input: OciConfigInput): Mount[] {
  const { host } = input.record.settings;
  const user = userMounts(input.record, { ...input.mountSources, facts: input.facts });
  const taken = new Set(user.map((mount) => posix.normalize(mount.destination)));
  const defaults = defaultMounts(host.shmSizeBytes)
    .filter(({ destination }) => !taken.has(destination))
    .filter(({ destination }) => !(taken.has('/dev') && destination.startsWith('/dev/')))
    .filter(({ destination }) => !(host.ipcMode === 'none' && destination === '/dev/shm'))
    .map((mount) => adjustDefault(mount, host, input.shared));
  const managed = input.managedFiles
    .filter(({ destination }) => !taken.has(destination))
    .map(({ destination, source }): Mount => {
      const options = ['bind', 'rprivate', ...(host.readonlyRootfs ? ['ro'] : [])];
      return { destination, type: 'bind', source, options };
    });
  const init: Mount[] = host.init
    ? [
        {
          destination: '/sbin/docker-init',
          type: 'bind',
          source: input.initProgram,
          options: ['bind', 'ro', 'rprivate'],
        },
      ]
    : [];
  // Parents before children, whatever the order they were asked in.
  const depth = (mount: Mount): number => mount.destination.split('/').length;
  return [...defaults, ...managed, ...init, ...user.sort((a, b) => depth(a) - depth(b))];
}

/** compat: a read-only root closes the defaults too; privileged opens /sys and the cgroups; host namespaces are bound. */
function adjustDefault(mount: Mount, host: HostSettings, { shmFolder }: SharedNamespaces = {}): Mount {
  const { destination } = mount;
  // Message queues come with the namespace: a mount of them shows the host's, which need not have one itself.
  const memory = host.ipcMode === 'host' ? destination : shmFolder;
  if (memory !== undefined && destination === '/dev/shm') {
    return { destination, type: 'bind', source: memory, options: ['rbind', 'nosuid', 'noexec', 'nodev'] };
  }
  const ofSystem = destination === '/sys' || destination === '/sys/fs/cgroup';
  const options = mount.options ?? [];
  if (host.privileged && ofSystem) return { ...mount, options: options.filter((option) => option !== 'ro') };
  return mount;
}

/** A bind with shared or slave propagation needs a root that lets it through. */
function propagationOf(record: ContainerRecord): { rootfsPropagation?: 'shared' | 'slave' } {
  const wishes = mountPointsOf(record).map(({ propagation }) => propagation);
  if (wishes.some((wish) => wish.endsWith('shared'))) return { rootfsPropagation: 'shared' };
  if (wishes.some((wish) => wish.endsWith('slave'))) return { rootfsPropagation: 'slave' };
  return {};
}
