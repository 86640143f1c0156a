/** `--device`, `--device-cgroup-rule`, `--privileged` → device nodes and the rules that allow them. */
import { lstatSync, readdirSync, type Stats, statSync } from 'node:fs';
import type { Device, DeviceRule } from '#specs';
import { defaultDeviceRules, runtimeDeviceRules } from '#runtime';
import type { DeviceSetting, HostSettings } from './container-settings.ts';
import { errors } from './errors.ts';

export interface ContainerDevices {
  readonly nodes: readonly Device[];
  readonly rules: readonly DeviceRule[];
}

/** Folders of /dev with file systems of their own, which a privileged container gets afresh. */
const notInherited = new Set(['pts', 'shm', 'fd', 'mqueue', '.lxc', '.lxd-mounts', '.udev', 'console']);

/** Throws `container.invalid` naming a device that does not exist or a rule that cannot be read. */
export function containerDevices(host: HostSettings): ContainerDevices {
  if (host.privileged) {
    return { nodes: hostDevices('/dev', '/dev'), rules: [{ allow: true, access: 'rwm' }] };
  }
  const nodes: Device[] = [];
  const rules: DeviceRule[] = [...defaultDeviceRules];
  for (const device of host.devices) {
    for (const node of nodesOf(device)) {
      nodes.push(node);
      const type = node.type === 'b' ? 'b' : 'c';
      rules.push({ allow: true, type, major: node.major!, minor: node.minor!, access: device.permissions });
    }
  }
  rules.push(...host.deviceCgroupRules.map(parseRule), ...runtimeDeviceRules);
  return { nodes, rules };
}

function nodesOf(device: DeviceSetting): Device[] {
  let stats: Stats;
  try {
    stats = statSync(device.pathOnHost);
  } catch (error) {
    throw errors.invalid(
      `error gathering device information while adding custom device "${device.pathOnHost}": ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  if (stats.isDirectory()) return hostDevices(device.pathOnHost, device.pathInContainer);
  const node = toNode(device.pathInContainer, stats);
  if (!node) {
    throw errors.invalid(
      `error gathering device information while adding custom device "${device.pathOnHost}": not a device node`,
    );
  }
  return [node];
}

function hostDevices(folder: string, inside: string): Device[] {
  return readdirSync(folder).flatMap((name) => {
    if (notInherited.has(name)) return [];
    const stats = lstatSync(`${folder}/${name}`, { throwIfNoEntry: false });
    if (!stats) return [];
    if (stats.isDirectory()) return hostDevices(`${folder}/${name}`, `${inside}/${name}`);
    return toNode(`${inside}/${name}`, stats) ?? [];
  });
}

function toNode(path: string, stats: Stats): Device | undefined {
  const type = stats.isCharacterDevice() ? 'c' : stats.isBlockDevice() ? 'b' : undefined;
  if (!type) return undefined;
  const { major, minor } = deviceNumbers(stats.rdev);
  return { type, path, major, minor, fileMode: stats.mode & 0o7777, uid: stats.uid, gid: stats.gid };
}

/** makedev(3): the numbers as glibc packs them into a dev_t. */
export function deviceNumbers(rdev: number): { major: number; minor: number } {
  const value = BigInt(rdev);
  return {
    major: Number(((value >> 8n) & 0xfffn) | ((value >> 32n) & ~0xfffn)),
    minor: Number((value & 0xffn) | ((value >> 12n) & ~0xffn & 0xffffff00n)),
  };
}

function parseRule(text: string): DeviceRule {
  const match = /^([acb]) (\d+|\*):(\d+|\*) ([rwm]{1,3})$/.exec(text);
  if (!match) throw errors.invalid(`invalid device cgroup rule format: '${text}'`);
  const [, type, major, minor, access] = match;
  return {
    allow: true,
    type: type!,
    ...(major === '*' ? {} : { major: Number(major) }),
    ...(minor === '*' ? {} : { minor: Number(minor) }),
    access: access!,
  };
}
