/** `GET /info` and `GET /version`: the host, the engine, and what it can do. */
import { readdirSync, readFileSync } from 'node:fs';
import { arch, cpus, hostname, release, totalmem } from 'node:os';
import { formatTimeNs, nowNs } from '#base';
import { type EngineParts, logDriverNames, OWN_RUNTIME, ownName } from '#engine';
import { registryInfo } from './registry-info.ts';
import { apiVersions, goArchitecture } from './version.ts';

export interface SystemFacts {
  readonly version: string;
  readonly startedAt: string;
}

/** compat: what a program was built from is told by what it says of itself, and there is neither Go nor a commit here. */
export function versionJson({ version: number }: SystemFacts): object {
  const common = { Arch: goArchitecture(arch()), KernelVersion: release(), Os: 'linux' };
  const build = { GitCommit: '', GoVersion: '' };
  const spoken = { ApiVersion: apiVersions.newest, MinAPIVersion: apiVersions.oldest };
  return {
    Platform: { Name: 'Skiff' },
    Version: number,
    ...spoken,
    ...common,
    ...build,
    Components: [
      {
        Name: 'Engine',
        Version: number,
        Details: { ...spoken, ...common, ...build, BuildTime: '', Experimental: 'false', Node: process.version },
      },
    ],
  };
}

/** `devices` are the names of those vendors describe. */
export function infoJson(
  parts: EngineParts,
  { version }: SystemFacts,
  minor: number,
  devices: readonly string[],
): object {
  const system = operatingSystem();
  const settings = parts.settings.current;
  return {
    ID: parts.options.engineId,
    ...countsOf(parts),
    Images: parts.images.list().length,
    Driver: parts.snapshots.driver,
    DriverStatus: [],
    Plugins: {
      Volume: ['local'],
      Network: ['bridge', 'host', 'macvlan', 'null'],
      Authorization: null,
      Log: logDriverNames(),
    },
    ...limitsOf(parts),
    ...hostOf(),
    Debug: settings.debug,
    NFd: readdirSync('/proc/self/fd').length,
    // compat: the nearest to goroutines is what the event loop waits for.
    NGoroutines: process.getActiveResourcesInfo().length,
    NEventsListener: parts.events.listeners(),
    LoggingDriver: settings.defaults.log.driver,
    CgroupDriver: 'cgroupfs',
    CgroupVersion: String(parts.runtime.cgroupVersion),
    OperatingSystem: system.name,
    OSVersion: system.version,
    DockerRootDir: parts.options.dataRoot,
    ...registryInfo(parts.registry.config, minor),
    GenericResources: null,
    Labels: settings.labels,
    ExperimentalBuild: false,
    ServerVersion: version,
    Runtimes: runtimesJson(settings),
    DefaultRuntime: ownName(settings, settings.defaultRuntime),
    Swarm: {
      LocalNodeState: 'inactive',
      NodeID: '',
      NodeAddr: '',
      ControlAvailable: false,
      Error: '',
      RemoteManagers: null,
    },
    LiveRestoreEnabled: settings.liveRestore,
    Isolation: '',
    InitBinary: settings.defaults.initPath ?? 'skiff-helper',
    ...commits(minor),
    SecurityOptions: minor < 25 ? ['seccomp'] : [`name=seccomp,profile=${settings.seccompName}`],
    CDISpecDirs: settings.cdiFolders,
    ...(minor < 50 ? {} : { DiscoveredDevices: devices.map((ID) => ({ Source: 'cdi', ID })) }),
    Warnings: null,
    ...olderFields(minor),
  };
}

function runtimesJson({ runtimes }: EngineParts['settings']['current']): object {
  const added = Object.entries(runtimes).map(([name, { path, args }]) => [
    name,
    { path, ...(args.length > 0 ? { runtimeArgs: args } : {}) },
  ]);
  return { [OWN_RUNTIME]: { path: 'skiff-runtime' }, ...Object.fromEntries(added) };
}

function countsOf({ containers }: EngineParts): object {
  const records = containers.list();
  const count = (status: string): number => records.filter((record) => record.status === status).length;
  // compat: between two runs of a restart policy it counts as running.
  const running = count('running') + count('restarting');
  return {
    Containers: records.length,
    ContainersRunning: running,
    ContainersPaused: count('paused'),
    ContainersStopped: records.length - running - count('paused'),
  };
}

function limitsOf({ runtime }: EngineParts): object {
  return {
    MemoryLimit: true,
    SwapLimit: true,
    CpuCfsPeriod: true,
    CpuCfsQuota: true,
    CPUShares: true,
    CPUSet: true,
    PidsLimit: true,
    OomKillDisable: runtime.cgroupVersion === 1,
  };
}

function hostOf(): object {
  return {
    IPv4Forwarding: textOf('/proc/sys/net/ipv4/ip_forward').trim() === '1',
    SystemTime: formatTimeNs(nowNs()),
    KernelVersion: release(),
    OSType: 'linux',
    Architecture: arch() === 'x64' ? 'x86_64' : 'aarch64',
    NCPU: cpus().length,
    MemTotal: totalmem(),
    Name: hostname(),
  };
}

/** compat: what dockerd says of programs it cannot ask; here there are none to ask. Before 1.49 what it expected, too. */
function commits(minor: number): object {
  const commit = { ID: 'N/A', ...(minor < 49 ? { Expected: 'N/A' } : {}) };
  return { ContainerdCommit: commit, RuncCommit: commit, InitCommit: commit };
}

/** compat: fields that went with a version. Limits on the kernel's memory are refused here. */
function olderFields(minor: number): object {
  return {
    ...(minor < 25 ? { ExecutionDriver: '<not supported>' } : {}),
    ...(minor < 42 ? { KernelMemory: false } : {}),
    ...(minor < 42 ? { KernelMemoryTCP: false } : {}),
    ...(minor < 50 ? { BridgeNfIptables: false, BridgeNfIp6tables: false } : {}),
  };
}

function operatingSystem(): { readonly name: string; readonly version: string } {
  const text = textOf('/etc/os-release');
  return {
    name: /^PRETTY_NAME="?([^"\n]*)/m.exec(text)?.[1] ?? 'Linux',
    version: /^VERSION_ID="?([^"\n]*)/m.exec(text)?.[1] ?? '',
  };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
