/** What devices need → the OCI config of a container that has them. compat: the order and the words of Docker's CDI driver. */
import { statSync } from 'node:fs';
import { posix } from 'node:path';
import { errnoCode, messageOf } from '#base';
import type { CdiDeviceNode, CdiEdits, Device, DeviceRule, Hook, Hooks, Mount, RuntimeConfig } from '#specs';
import { deviceNumbers } from '../devices.ts';
import { errors } from '../errors.ts';
import { mergeEnvironment } from '../program.ts';
import type { CdiDevice, CdiDevices } from './cdi-devices.ts';

/** Throws `container.cdi` for names nobody describes. What a file says for all its devices comes once, and first. */
export function editsFor(names: readonly string[], { devices }: Pick<CdiDevices, 'devices'>): CdiEdits[] {
  const found = names.map((name) => devices.get(name));
  const missing = names.filter((_, index) => found[index] === undefined);
  if (missing.length > 0) throw errors.cdi(`unresolvable CDI devices ${missing.join(', ')}`);
  const told = new Set<unknown>();
  return (found as CdiDevice[]).flatMap(({ spec, edits }) => {
    if (told.has(spec)) return [edits];
    told.add(spec);
    return [spec.edits, edits];
  });
}

/** Throws `container.cdi` for nodes that are not there and hooks that nobody would run. */
export function applyEdits(config: RuntimeConfig, all: readonly CdiEdits[]): RuntimeConfig {
  return all.reduce(applyOne, config);
}

function applyOne(config: RuntimeConfig, edits: CdiEdits): RuntimeConfig {
  const { linux = {}, process } = config;
  const user = process?.user ?? {};
  const nodes = edits.deviceNodes.map((node) => ({ node, device: toDevice(node, user) }));
  const taken = new Set(nodes.map(({ device }) => device.path));
  const rules = nodes.flatMap(({ node, device }): DeviceRule[] => {
    if (device.type !== 'b' && device.type !== 'c') return [];
    const { type, major = 0, minor = 0 } = device;
    return [{ allow: true, type, major, minor, access: node.permissions }];
  });
  const gids = edits.additionalGids.filter((gid) => gid !== 0);
  const resources = linux.resources ?? {};
  return {
    ...config,
    ...(process
      ? {
          process: {
            ...process,
            env: mergeEnvironment([process.env ?? [], edits.env]),
            user: { ...user, additionalGids: [...new Set([...(user.additionalGids ?? []), ...gids])] },
          },
        }
      : {}),
    mounts: withMounts(config.mounts ?? [], edits.mounts),
    ...(edits.hooks.length > 0 ? { hooks: withHooks(config.hooks ?? {}, edits) } : {}),
    linux: {
      ...linux,
      devices: [...(linux.devices ?? []).filter(({ path }) => !taken.has(path)), ...nodes.map(({ device }) => device)],
      resources: {
        ...resources,
        devices: [...(resources.devices ?? []), ...rules.filter(({ access }) => access !== '')],
      },
      ...(edits.netDevices.length > 0
        ? {
            netDevices: {
              ...linux.netDevices,
              ...Object.fromEntries(edits.netDevices.map(({ hostName, name }) => [hostName, { name }])),
            },
          }
        : {}),
      ...(edits.intelRdt ? { intelRdt: edits.intelRdt } : {}),
    },
  };
}

function toDevice(node: CdiDeviceNode, user: { readonly uid?: number; readonly gid?: number }): Device {
  const { path, fileMode } = node;
  const { type, major, minor } = completed(node);
  const uid = node.uid ?? (user.uid || undefined);
  const gid = node.gid ?? (user.gid || undefined);
  return {
    ...{ type, path, major, minor },
    ...(fileMode === undefined ? {} : { fileMode: fileMode & 0o7777 }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  };
}

/** What the description does not say, the host's own node does. */
function completed({ hostPath, ...node }: CdiDeviceNode): {
  readonly type: Device['type'];
  readonly major: number;
  readonly minor: number;
} {
  if (node.type !== undefined && (node.major !== undefined || node.type === 'p')) {
    return { type: node.type, major: node.major ?? 0, minor: node.minor ?? 0 };
  }
  const stats = statHost(hostPath);
  const type = stats.isBlockDevice() ? 'b' : stats.isCharacterDevice() ? 'c' : stats.isFIFO() ? 'p' : undefined;
  if (type === undefined) throw errors.cdi(`"${hostPath}" is not a device node`);
  // kernel: `u` is a character device by another name.
  if (node.type !== undefined && (node.type === 'u' ? 'c' : node.type) !== type) {
    throw errors.cdi(`CDI device ("${node.path}", "${hostPath}"), host type mismatch (${node.type}, ${type})`);
  }
  const numbers = type === 'p' ? { major: 0, minor: 0 } : deviceNumbers(stats.rdev);
  return { type: node.type ?? type, major: node.major ?? numbers.major, minor: node.minor ?? numbers.minor };
}

function statHost(path: string) {
  try {
    return statSync(path);
  } catch (error) {
    const why = errnoCode(error) === 'ENOENT' ? 'no such file or directory' : messageOf(error);
    throw errors.cdi(`failed to stat CDI host device "${path}": ${why}`);
  }
}

/** One that is there already at the same place gives way; parents come before children. */
function withMounts(before: readonly Mount[], added: readonly Mount[]): readonly Mount[] {
  if (added.length === 0) return before;
  const clean = ({ destination }: Mount): string => posix.join('/', destination).replace(/(.)\/$/, '$1');
  const taken = new Set(added.map(clean));
  const depth = (mount: Mount): number => clean(mount).split('/').length;
  return [...before.filter((mount) => !taken.has(clean(mount))), ...added].sort((a, b) => depth(a) - depth(b));
}

/** The runtime runs those of a container's making; nobody here would run one after its start or its end. */
function withHooks(before: Hooks, { hooks }: CdiEdits): Hooks {
  const merged: Record<string, readonly Hook[]> = { ...before };
  for (const { name, ...hook } of hooks) {
    if (name === 'poststart' || name === 'poststop') {
      throw errors.cdi(`hook "${name}" (${hook.path}) is not supported: use createRuntime or createContainer`);
    }
    merged[name] = [...(merged[name] ?? []), hook];
  }
  return merged;
}
