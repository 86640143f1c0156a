/** Ping, version, info, events. */
import { readFileSync } from 'node:fs';
import { arch, cpus, hostname, release, totalmem } from 'node:os';
import { formatTimeNs, nowNs } from '#base';

import { type EngineEvent, type EngineParts, hasLabel } from '#engine';
import type { RequestContext, Route } from '#rpc';
import { formatJson64 } from '#specs';
import { sendJson } from '../http-status.ts';
import { filters, timestamp } from '../query.ts';
import { registryInfo } from '../registry-info.ts';
import { apiVersions, goArchitecture } from '../version.ts';

export interface SystemFacts {
  readonly version: string;
  readonly startedAt: string;
}

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
    { method: 'GET', path: '/version', handle: async ({ response }) => sendJson(response, 200, version(facts)) },
    { method: 'GET', path: '/info', handle: async ({ response }) => sendJson(response, 200, info(parts, facts)) },
    { method: 'GET', path: '/events', handle: (context) => events(parts, context) },
  ];
}

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
  return {
    ID: hostname(),
    Containers: records.length,
    ContainersRunning: count('running'),
    ContainersPaused: count('paused'),
    ContainersStopped: records.length - count('running') - count('paused'),
    Images: parts.images.list().length,
    Driver: parts.snapshots.driver,
    DriverStatus: [],
    Plugins: { Volume: [], Network: ['host', 'none'], Authorization: null, Log: ['json-file', 'none'] },
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

const eventFilters = ['container', 'event', 'image', 'label', 'type', 'daemon'];

/** History since a time, then what happens, until a time or until the client goes. */
async function events(parts: EngineParts, { query, response, signal }: RequestContext): Promise<void> {
  const wanted = filters(query, eventFilters);
  // compat: 0 is the beginning of time here, and not the same as nothing.
  const since = query.get('since') === '0' ? 0n : timestamp(query, 'since');
  const until = timestamp(query, 'until');
  response.writeHead(200, { 'Content-Type': 'application/json' });
  response.flushHeaders();
  const send = (event: EngineEvent): void => {
    if (until !== undefined && event.timeNs > until) return;
    if (matches(event, wanted)) response.write(`${formatJson64(toJson(event))}\n`);
  };
  for (const event of parts.events.history()) if (since !== undefined && event.timeNs >= since) send(event);
  using _listening = parts.events.listen(send);
  const leftMs = until === undefined ? undefined : Number((until - nowNs()) / 1_000_000n);
  if (leftMs === undefined || leftMs > 0) await untilGone(signal, leftMs);
  response.end();
}

function untilGone(signal: AbortSignal, ms: number | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function matches(event: EngineEvent, wanted: ReadonlyMap<string, readonly string[]>): boolean {
  const any = (key: string, test: (value: string) => boolean): boolean => wanted.get(key)?.some(test) ?? true;
  const names = (value: string): boolean => event.id.startsWith(value) || event.attributes['name'] === value;
  return (
    any('type', (value) => event.type === value) &&
    any('event', (value) => event.action === value || event.action.startsWith(`${value}:`)) &&
    any('container', (value) => event.type === 'container' && names(value)) &&
    any('image', (value) => names(value) || event.attributes['image'] === value) &&
    (wanted.get('label') ?? []).every((value) => hasLabel(event.attributes, value))
  );
}

function toJson(event: EngineEvent): object {
  return {
    status: event.action,
    id: event.id,
    ...(event.attributes['image'] === undefined ? {} : { from: event.attributes['image'] }),
    Type: event.type,
    Action: event.action,
    Actor: { ID: event.id, Attributes: event.attributes },
    scope: 'local',
    time: Number(event.timeNs / 1_000_000_000n),
    timeNano: event.timeNs,
  };
}
