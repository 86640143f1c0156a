/** What a container has mounted, settled when it is made: settings, its image's volumes, and other containers' mounts. */
import { posix } from 'node:path';
import type { ContainerRecord } from '../container-record.ts';
import type { HostSettings } from '../container-settings.ts';
import { errors } from '../errors.ts';
import type { BindSetting, MountPoint, MountSetting, VolumeMountPoint, VolumeSetting } from './mount-setting.ts';

export interface ResolveInput {
  readonly host: Pick<HostSettings, 'tmpfs' | 'volumesFrom'>;
  readonly settings: readonly MountSetting[];
  /** Folders of the container's own and of the image's that are to be volumes. */
  readonly volumes: readonly string[];
  readonly dataRoot: string;
  /** The mounts of another container; undefined when there is none. */
  readonly mountsOf: (container: string) => readonly MountPoint[] | undefined;
  /** The id of an image that is there. */
  readonly imageId: (reference: string) => string;
  readonly newVolumeName: () => string;
}

/**
 * compat: other containers' mounts first, then those of settings over them, then volumes where nothing is mounted. Throws
 * `container.invalid` for two at one place and for modes that are none, `container.noVolumesFrom`.
 */
export function resolveMounts(input: ResolveInput): MountPoint[] {
  const { settings, host, volumes } = input;
  const points = new Map<string, MountPoint>();
  for (const text of host.volumesFrom ?? []) {
    for (const point of mountsFrom(text, input)) points.set(point.setting.destination, point);
  }
  const taken = new Set(Object.keys(host.tmpfs).map(cleanPath));
  for (const setting of settings) {
    const { destination } = setting;
    if (taken.has(destination)) throw errors.invalid(`Duplicate mount point: ${destination}`);
    taken.add(destination);
    points.set(destination, pointOf(setting, input));
  }
  for (const path of volumes) {
    const destination = cleanPath(path);
    if (!destination.startsWith('/') || destination === '/') {
      throw errors.invalid(
        `invalid mount config for type "volume": invalid mount path: '${path}' mount path must be absolute`,
      );
    }
    if (points.has(destination) || taken.has(destination)) continue;
    points.set(destination, { ...pointOf(anonymousVolume(destination), input), mode: '' });
  }
  return [...points.values()];
}

/** `/a/b/` is `/a/b`. */
export function cleanPath(path: string): string {
  return posix.normalize(path).replace(/(.)\/$/, '$1');
}

const anonymousVolume = (destination: string): VolumeSetting => ({
  type: 'volume',
  destination,
  readonly: false,
  name: '',
  noCopy: false,
  driver: '',
  driverOptions: null,
  labels: null,
  subpath: '',
});

function pointOf(setting: MountSetting, input: ResolveInput): MountPoint {
  const mode = modeOf(setting);
  const common = { setting, readonly: setting.readonly, mode, name: '', propagation: '', copies: false };
  switch (setting.type) {
    case 'bind':
      return { ...common, propagation: propagationOf(setting, input.dataRoot) };
    case 'volume':
      return {
        ...common,
        name: setting.name === '' ? input.newVolumeName() : setting.name,
        mode: mode === '' ? 'z' : mode,
        copies: !setting.noCopy && setting.subpath === '',
      };
    case 'image':
      return { ...common, readonly: true, name: input.imageId(setting.image) };
    case 'tmpfs':
      return common;
  }
}

/** The third part of `-v`, where there is one. */
function modeOf({ text = '' }: MountSetting): string {
  return text.split(':')[2] ?? '';
}

/**
 * compat: what holds the daemon's own folder gets the host's unmounts, or containers would keep each other's files busy;
 * who asks for anything else is refused.
 */
function propagationOf({ source, propagation }: BindSetting, dataRoot: string): string {
  const holdsData = `${dataRoot}/`.startsWith(source === '/' ? '/' : `${source}/`) || source.startsWith(`${dataRoot}/`);
  if (!holdsData) return propagation === '' ? 'rprivate' : propagation;
  if (propagation === '') return 'rslave';
  if (propagation === 'rslave' || propagation === 'rshared') return propagation;
  throw errors.invalid(
    `invalid mount config: must use either propagation mode "rslave" or "rshared" when mount source is within the daemon root, daemon root: "${dataRoot}", bind mount source: "${source}", propagation: "${propagation}"`,
  );
}

/** `CONTAINER`, `CONTAINER:ro`. compat: read-only stays read-only, and nothing is copied into them. */
function mountsFrom(text: string, { mountsOf }: ResolveInput): MountPoint[] {
  const [container = '', ...rest] = text.split(':');
  const mode = rest.join(':');
  if (text === '') throw errors.invalid('volumes-from specification cannot be an empty string');
  if (container === '') throw errors.invalid(`malformed volumes-from specification: ${text}`);
  const words = mode.split(',').filter((word) => word !== '');
  if (words.some((word) => !['ro', 'rw', 'z', 'Z'].includes(word))) throw errors.invalid(`invalid mode: ${mode}`);
  const mounts = mountsOf(container);
  if (!mounts) throw errors.noVolumesFrom(container);
  return mounts.map((point) => ({
    ...point,
    readonly: point.readonly || words.includes('ro'),
    mode: '',
    copies: false,
    borrowed: true,
  }));
}

/** What was asked of mounts. */
export function mountSettingsOf(host: Pick<HostSettings, 'mounts' | 'binds'>): readonly MountSetting[] {
  if (host.mounts) return host.mounts;
  return (host.binds ?? []).map((bind) => ({ ...bind, type: 'bind', recursion: 'enabled' }));
}

/** What a container has mounted, besides `--tmpfs`. */
export function mountPointsOf(record: Pick<ContainerRecord, 'mounts' | 'settings'>): readonly MountPoint[] {
  if (record.mounts) return record.mounts;
  return mountSettingsOf(record.settings.host).map((setting) => ({
    setting,
    name: '',
    readonly: setting.readonly,
    mode: modeOf(setting),
    propagation: setting.type === 'bind' ? setting.propagation || 'rprivate' : '',
    copies: false,
  }));
}

export function volumePointsOf(record: Pick<ContainerRecord, 'mounts' | 'settings'>): readonly VolumeMountPoint[] {
  return mountPointsOf(record).filter((point): point is VolumeMountPoint => point.setting.type === 'volume');
}

/** Ids of containers that have the volume, in whatever state they are. */
export function holdersOf(records: readonly ContainerRecord[], volume: string): string[] {
  return [...(volumeHolders(records).get(volume) ?? [])];
}

/** Each volume's, by its name. */
export function volumeHolders(records: readonly ContainerRecord[]): ReadonlyMap<string, ReadonlySet<string>> {
  const holders = new Map<string, Set<string>>();
  for (const record of records) {
    for (const { name } of volumePointsOf(record)) holders.getOrInsertComputed(name, () => new Set()).add(record.id);
  }
  return holders;
}
