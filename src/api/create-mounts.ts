/** `Binds` (`-v`) and `Mounts` (`--mount`) → what a container is to mount. compat: the refusals are Docker's, word for word. */
import {
  type AskedIdMaps,
  type BindRecursion,
  cleanPath,
  type MountSetting,
  parseIdMaps,
  type VolumeSetting,
} from '#engine';
import type { HostConfigBody, MountBody } from '#specs';
import { errors } from './errors.ts';

const propagations = ['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'] as const;

/** Words of `-v`, of each kind one at most. Those of SELinux and of Docker Desktop change nothing here. */
const modeWords: readonly ReadonlySet<string>[] = [
  new Set(['ro', 'rw']),
  new Set(['z', 'Z']),
  new Set(propagations),
  new Set(['nocopy']),
  new Set(['cached', 'delegated', 'consistent']),
];

/** All of a body: those of `-v` first. Throws `api.invalid`. */
export function parseMountSettings({ Binds, Mounts, VolumeDriver }: HostConfigBody): MountSetting[] {
  return [...(Binds ?? []).map((text) => parseBind(text, VolumeDriver ?? '')), ...(Mounts ?? []).map(parseMount)];
}

/** `[SOURCE:]DESTINATION[:OPTIONS]`, a source being a path or a volume's name; none is a new volume. Throws `api.invalid`. */
export function parseBind(text: string, volumeDriver = ''): MountSetting {
  const parts = text.split(':');
  const [first = '', ...more] = parts;
  if (more.length === 0 && first !== '') return newVolume(text, volumeDriver);
  const [source = '', target = '', mode = ''] = parts;
  const isSpec = source !== '' && parts.length >= 2 && parts.length <= 3;
  if (!isSpec || (parts.length === 2 && isMode(target)))
    throw errors.invalid(`invalid volume specification: '${text}'`);
  if (!isMode(mode)) throw errors.invalid(`invalid mode: ${mode}`);
  const words = mode.split(',');
  const propagation = words.find((word) => propagations.some((each) => each === word)) ?? '';
  const noCopy = words.includes('nocopy');
  const type = source.startsWith('/') ? 'bind' : 'volume';
  const wrong = (why: string): Error =>
    errors.invalid(`invalid volume specification: '${text}': invalid mount config for type "${type}": ${why}`);
  const common = { destination: destinationOf(target, wrong), readonly: words.includes('ro'), text };
  if (type === 'bind') {
    if (noCopy) throw wrong('field VolumeOptions must not be specified');
    return { type, ...common, source: cleanPath(source), propagation, createSource: true, recursion: 'enabled' };
  }
  if (propagation !== '') throw wrong('field BindOptions must not be specified');
  const [driver, driverOptions, labels, subpath] = [volumeDriver, null, null, ''];
  return { type, ...common, name: source, noCopy, driver, driverOptions, labels, subpath };
}

function newVolume(text: string, driver: string): MountSetting {
  const wrong = (why: string): Error =>
    errors.invalid(`invalid volume specification: '${text}': invalid mount config for type "volume": ${why}`);
  const common = { destination: destinationOf(text, wrong), readonly: false, text };
  return { type: 'volume', ...common, name: '', noCopy: false, driver, driverOptions: null, labels: null, subpath: '' };
}

/** Destinations and their options. Throws `api.invalid`. */
export function parseTmpfs(tmpfs: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const path of Object.keys(tmpfs)) {
    if (!path.startsWith('/')) throw errors.invalid(`invalid mount path: '${path}' mount path must be absolute`);
    if (cleanPath(path) === '/') throw errors.invalid("invalid specification: destination can't be '/'");
  }
  return { ...tmpfs };
}

function isMode(text: string): boolean {
  if (text === '') return true;
  const words = text.split(',');
  const known = words.every((word) => modeWords.some((kind) => kind.has(word)));
  return known && modeWords.every((kind) => words.filter((word) => kind.has(word)).length <= 1);
}

/** Throws `api.invalid`. */
export function parseMount(mount: MountBody): MountSetting {
  const type = mount.Type ?? '';
  const wrong = (why: string): Error => errors.invalid(`invalid mount config for type "${type}": ${why}`);
  const common = { destination: destinationOf(mount.Target ?? '', wrong), readonly: mount.ReadOnly ?? false };
  const refuse = (...fields: readonly (keyof MountBody)[]): void => {
    const given = fields.find((field) => mount[field]);
    if (given !== undefined) throw wrong(`field ${given} must not be specified`);
  };
  const source = mount.Source ?? '';
  const idMaps = idMapsOf(mount, wrong);
  switch (type) {
    case 'bind': {
      if (source === '') throw wrong('field Source must not be empty');
      const { Propagation = '', CreateMountpoint = false } = mount.BindOptions ?? {};
      if (Propagation !== '' && !propagations.some((each) => each === Propagation)) {
        throw wrong(`invalid propagation mode: ${Propagation}`);
      }
      refuse('VolumeOptions', 'ImageOptions', 'TmpfsOptions');
      if (!source.startsWith('/')) throw wrong(`invalid mount path: '${source}' mount path must be absolute`);
      const recursion = recursionOf(mount, wrong);
      const propagation = Propagation;
      const createSource = CreateMountpoint;
      return { type, ...common, source: cleanPath(source), propagation, createSource, recursion, ...idMaps };
    }
    case 'volume':
      refuse('BindOptions', 'ImageOptions', 'TmpfsOptions');
      if (source === '' && common.readonly) throw wrong('must not set ReadOnly mode when using anonymous volumes');
      return { type, ...common, name: source, ...volumeOptions(mount, wrong), ...idMaps };
    case 'tmpfs': {
      refuse('BindOptions', 'VolumeOptions', 'ImageOptions', 'Source', 'IdMap');
      const { SizeBytes = 0, Mode = 0, Options = [] } = mount.TmpfsOptions ?? {};
      return { type, ...common, sizeBytes: SizeBytes, permissions: Mode, options: Options };
    }
    case 'image': {
      refuse('BindOptions', 'VolumeOptions', 'TmpfsOptions', 'IdMap');
      if (source === '') throw wrong('field Source must not be empty');
      const subpath = mount.ImageOptions?.Subpath ?? '';
      if (subpath !== '') throw errors.unsupported('a path in a mounted image', 'mount the whole image');
      return { type, ...common, image: source, subpath };
    }
    default:
      throw wrong('mount type unknown');
  }
}

function idMapsOf({ IdMap: text }: MountBody, wrong: (why: string) => Error): { readonly idMaps?: AskedIdMaps } {
  if (!text) return {};
  const maps = parseIdMaps(text);
  if ('wrong' in maps) throw wrong(`invalid IdMap: ${maps.wrong}`);
  return { idMaps: { ...maps, text } };
}

function recursionOf({ BindOptions, ReadOnly }: MountBody, wrong: (why: string) => Error): BindRecursion {
  const { NonRecursive, ReadOnlyNonRecursive, ReadOnlyForceRecursive, Propagation } = BindOptions ?? {};
  if (ReadOnlyForceRecursive) {
    if (!ReadOnly) throw wrong('mount source must be read-only when ReadOnlyForceRecursive is set');
    if (Propagation && Propagation !== 'rprivate') {
      throw wrong('mount must be rprivate when ReadOnlyForceRecursive is set');
    }
    if (NonRecursive || ReadOnlyNonRecursive) {
      throw wrong('mount cannot be both recursive read-only by force and not recursive');
    }
    return 'readonly';
  }
  if (NonRecursive) return 'disabled';
  return ReadOnlyNonRecursive ? 'writable' : 'enabled';
}

function volumeOptions(
  { VolumeOptions, Source }: MountBody,
  wrong: (why: string) => Error,
): Omit<VolumeSetting, 'type' | 'destination' | 'readonly' | 'name'> {
  const { NoCopy = false, Labels, DriverConfig, Subpath = '' } = VolumeOptions ?? {};
  if (Subpath !== '' && !Source) throw wrong('must not set Subpath when using anonymous volumes');
  const clean = cleanPath(Subpath);
  if (Subpath !== '' && (clean.startsWith('/') || clean === '..' || clean.startsWith('../'))) {
    throw wrong('subpath must be a relative path within the volume');
  }
  return {
    noCopy: NoCopy,
    labels: Labels ?? null,
    driver: DriverConfig?.Name ?? '',
    driverOptions: DriverConfig?.Options ?? null,
    subpath: Subpath === '' || clean === '.' ? '' : clean,
  };
}

function destinationOf(path: string, wrong: (why: string) => Error): string {
  if (path === '') throw wrong('field Target must not be empty');
  const clean = cleanPath(path);
  if (clean === '/') throw wrong("invalid specification: destination can't be '/'");
  if (!path.startsWith('/')) throw wrong(`invalid mount path: '${path}' mount path must be absolute`);
  return clean;
}
