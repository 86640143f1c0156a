/** A container's mounts → mounts of its OCI config. */
import { posix } from 'node:path';
import { type HostFacts, kernelAtLeast } from '#linux';
import type { Mount } from '#specs';
import type { ContainerRecord } from '../container-record.ts';
import { mountPointsOf } from './mount-point.ts';
import type { MountPoint } from './mount-setting.ts';
import type { BindSetting, TmpfsSetting, VolumeSetting } from './mount-setting.ts';

export interface MountSources {
  readonly facts: Pick<HostFacts, 'kernel'>;
  /** Where a volume's files are on the host. */
  readonly volumePath: (name: string) => string;
  /** What mounts an image's layers read-only. Throws when they are not there. */
  readonly imageOptions: (imageId: string) => readonly string[];
}

/** In the order they were asked for. */
export function userMounts(record: ContainerRecord, sources: MountSources): Mount[] {
  return [
    ...mountPointsOf(record).map((point) => mountOf(point, sources)),
    ...Object.entries(record.settings.host.tmpfs).map(([destination, options]) =>
      tmpfs(destination, options.split(',')),
    ),
  ];
}

/** Destination → the folder on the host its source is a path in, whatever the symlinks there say. */
export function sourceFolders(record: ContainerRecord, { volumePath }: Pick<MountSources, 'volumePath'>) {
  return Object.fromEntries(
    mountPointsOf(record).flatMap(({ setting, name }): [string, string][] =>
      setting.type === 'volume' && setting.subpath !== '' ? [[setting.destination, volumePath(name)]] : [],
    ),
  );
}

function mountOf(point: MountPoint, { facts, volumePath, imageOptions }: MountSources): Mount {
  const { setting, name } = point;
  const { destination } = setting;
  switch (setting.type) {
    case 'bind':
      return {
        ...{ destination, type: 'bind', source: setting.source, options: bindOptions(point, setting, facts) },
        ...idMapped(setting),
      };
    case 'volume': {
      const source = setting.subpath === '' ? volumePath(name) : setting.subpath;
      const options = ['rbind', 'rprivate', ...readOnly(point, facts)];
      return { destination, type: 'bind', source, options, ...idMapped(setting) };
    }
    case 'image':
      return { destination, type: 'overlay', source: 'overlay', options: ['ro', ...imageOptions(name)] };
    case 'tmpfs':
      return tmpfs(destination, tmpfsWords(setting, point));
  }
}

function idMapped({ idMaps }: BindSetting | VolumeSetting): Partial<Mount> {
  return idMaps ? { uidMappings: idMaps.uids, gidMappings: idMaps.gids } : {};
}

function bindOptions(point: MountPoint, { recursion }: BindSetting, facts: Pick<HostFacts, 'kernel'>): string[] {
  const kind = recursion === 'disabled' ? 'bind' : 'rbind';
  const closed = recursion === 'disabled' || recursion === 'writable' ? ['ro'] : readOnly(point, facts);
  return [kind, point.propagation || 'rprivate', ...(point.readonly ? closed : [])];
}

/** kernel: mount_setattr, which closes what is mounted below too, came with 5.12. */
function readOnly({ readonly }: MountPoint, facts: Pick<HostFacts, 'kernel'>): string[] {
  if (!readonly) return [];
  return kernelAtLeast(facts, 5, 12) ? ['ro', 'rro'] : ['ro'];
}

function tmpfs(destination: string, words: readonly string[]): Mount {
  const options = ['noexec', 'nosuid', 'nodev', 'rprivate', ...words.filter((word) => word !== '')];
  return { destination: posix.normalize(destination), type: 'tmpfs', source: 'tmpfs', options };
}

function tmpfsWords({ sizeBytes, permissions, options }: TmpfsSetting, { readonly }: MountPoint): string[] {
  return [
    ...(sizeBytes > 0 ? [`size=${sizeBytes}`] : []),
    ...(permissions > 0 ? [`mode=${permissions.toString(8)}`] : []),
    ...(readonly ? ['ro'] : []),
    ...options.map((pair) => pair.join('=')),
  ];
}
