/** Ping, version, info. */
import type { EngineParts } from '#engine';
import type { RequestContext, Route } from '#rpc';
import { sendJson } from '../http-status.ts';
import { infoJson, type SystemFacts, versionJson } from '../system-info.ts';
import { minorVersion } from '../version.ts';

export function systemRoutes(parts: EngineParts, facts: SystemFacts): Route[] {
  const ping = async ({ response }: RequestContext, body: string): Promise<void> => {
    const headers = {
      'Builder-Version': '1',
      Swarm: 'inactive',
      'Cache-Control': 'no-cache, no-store, must-revalidate',
      Pragma: 'no-cache',
      'Content-Type': 'text/plain; charset=utf-8',
      'Content-Length': body.length,
    };
    response.writeHead(200, headers).end(body);
  };
  return [
    { method: 'GET', path: '/_ping', handle: (context) => ping(context, 'OK') },
    { method: 'HEAD', path: '/_ping', handle: (context) => ping(context, '') },
    { method: 'GET', path: '/version', handle: async ({ response }) => sendJson(response, 200, versionJson(facts)) },
    {
      method: 'GET',
      path: '/info',
      handle: async ({ url, response }) => sendJson(response, 200, infoJson(parts, facts, minorVersion(url))),
    },
    // compat: for any path, and nothing in it.
    { method: 'OPTIONS', path: '/{any...}', handle: async ({ response }) => void response.writeHead(200).end() },
  ];
}
<<<<<<< HEAD
=======

function version({ version: number, startedAt }: SystemFacts): object {
  const common = { Arch: goArchitecture(arch()), KernelVersion: release(), Os: 'linux' };
  return {
    Platform: { Name: 'Skiff' },
    Version: number,
    ApiVersion: apiVersions.newest,
    MinAPIVersion: apiVersions.oldest,
    ...common,
    BuildTime: startedAt,
    Components: [
      {
        Name: 'Engine',
        Version: number,
        Details: {
          ApiVersion: apiVersions.newest,
          MinAPIVersion: apiVersions.oldest,
          ...common,
          Node: process.version,
        },
      },
    ],
  };
}

function info(parts: EngineParts, { version: number }: SystemFacts): object {
  const records = parts.containers.list();
  const count = (status: string): number => records.filter((record) => record.status === status).length;
  // compat: between two runs of a restart policy it counts as running.
  const running = count('running') + count('restarting');
  return {
    ID: hostname(),
    Containers: records.length,
    ContainersRunning: running,
    ContainersPaused: count('paused'),
    ContainersStopped: records.length - running - count('paused'),
    Images: parts.images.list().length,
    Driver: parts.snapshots.driver,
    DriverStatus: [],
    Plugins: {
      Volume: [],
      Network: ['bridge', 'host', 'macvlan', 'null'],
      Authorization: null,
      Log: ['json-file', 'none'],
    },
    MemoryLimit: true,
    SwapLimit: true,
    CpuCfsPeriod: true,
    CpuCfsQuota: true,
    CPUShares: true,
    CPUSet: true,
    PidsLimit: true,
    OomKillDisable: parts.runtime.cgroupVersion === 1,
    LoggingDriver: 'json-file',
    CgroupDriver: 'cgroupfs',
    CgroupVersion: String(parts.runtime.cgroupVersion),
    KernelVersion: release(),
    OperatingSystem: operatingSystem(),
    OSType: 'linux',
    Architecture: goArchitecture(arch()) === 'amd64' ? 'x86_64' : 'aarch64',
    NCPU: cpus().length,
    MemTotal: totalmem(),
    DockerRootDir: parts.options.dataRoot,
    Name: hostname(),
    ...registryInfo(parts.registry.config),
    ServerVersion: number,
    Runtimes: { skiff: { path: 'skiff-runtime' } },
    DefaultRuntime: 'skiff',
    Swarm: {
      LocalNodeState: 'inactive',
      NodeID: '',
      NodeAddr: '',
      ControlAvailable: false,
      Error: '',
      RemoteManagers: null,
    },
    LiveRestoreEnabled: false,
    InitBinary: 'skiff-helper',
    SecurityOptions: ['name=seccomp,profile=builtin'],
    SystemTime: formatTimeNs(nowNs()),
    Warnings: null,
  };
}

function operatingSystem(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux';
  } catch {
    return 'Linux';
  }
}
>>>>>>> net
