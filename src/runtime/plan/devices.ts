/** Device nodes and links in the container's own /dev. */
import { MOUNT_ATTR, S_IF } from '#linux';
import type { Device } from '#specs';
import { errors } from '../errors.ts';
import { create, NONE, type Op, opFlags } from './op.ts';

/** spec: config-linux.md, "Default Devices". */
export const defaultDevices: readonly Device[] = [
  { type: 'c', path: '/dev/null', major: 1, minor: 3, fileMode: 0o666, uid: 0, gid: 0 },
  { type: 'c', path: '/dev/zero', major: 1, minor: 5, fileMode: 0o666, uid: 0, gid: 0 },
  { type: 'c', path: '/dev/full', major: 1, minor: 7, fileMode: 0o666, uid: 0, gid: 0 },
  { type: 'c', path: '/dev/random', major: 1, minor: 8, fileMode: 0o666, uid: 0, gid: 0 },
  { type: 'c', path: '/dev/urandom', major: 1, minor: 9, fileMode: 0o666, uid: 0, gid: 0 },
  { type: 'c', path: '/dev/tty', major: 5, minor: 0, fileMode: 0o666, uid: 0, gid: 0 },
];

const links: readonly (readonly [path: string, target: string])[] = [
  ['/dev/fd', '/proc/self/fd'],
  ['/dev/stdin', '/proc/self/fd/0'],
  ['/dev/stdout', '/proc/self/fd/1'],
  ['/dev/stderr', '/proc/self/fd/2'],
];

const fileTypes: Readonly<Record<string, number>> = { c: S_IF.CHR, u: S_IF.CHR, b: S_IF.BLK, p: S_IF.FIFO };

/**
 * Nodes of the config and the defaults, by mknod; in a user namespace, where mknod is refused, by binding the host's.
 * Throws `invalidSpec` for a device without type or path.
 */
export function planDevices(devices: readonly Device[], root: number, userNamespace: boolean): Op[] {
  const byPath = new Map<string, Device>();
  for (const device of [...defaultDevices, ...devices]) {
    if (!device.path?.startsWith('/')) {
      throw errors.invalidSpec('linux.devices[].path', `"${device.path}"`, 'give an absolute path');
    }
    if (!(device.type in fileTypes)) {
      throw errors.invalidSpec(`the type of device ${device.path}`, `"${device.type}"`, 'use c, b, u or p');
    }
    byPath.set(device.path, device);
  }
  // compat: privileged containers are given all nodes of the host; this one has to be the link to their own devpts.
  byPath.delete('/dev/ptmx');
  const nodes = [...byPath.values()].map((device) => (userNamespace ? bindNode(device, root) : makeNode(device, root)));
  return [
    ...nodes,
    { op: 'symlink', root, target: 'pts/ptmx', path: '/dev/ptmx' },
    ...links.map(([path, target]): Op => ({ op: 'symlink', root, target, path })),
    { op: 'symlink', root, target: '/proc/kcore', path: '/dev/core', opFlags: opFlags.optional },
  ];
}

function makeNode(device: Device, root: number): Op {
  return {
    op: 'mknod',
    root,
    path: device.path,
    mode: fileTypes[device.type]! | ((device.fileMode ?? 0o666) & 0o7777),
    major: device.major ?? 0,
    minor: device.minor ?? 0,
    uid: device.uid ?? 0,
    gid: device.gid ?? 0,
  };
}

function bindNode(device: Device, root: number): Op {
  return {
    op: 'mountBind',
    root,
    target: device.path,
    create: create.file,
    sourceSlot: NONE,
    source: device.path,
    set: MOUNT_ATTR.NOEXEC | MOUNT_ATTR.NOSUID,
    clear: 0,
    propagation: 0,
    idmap: NONE,
  };
}
