/** A container's mounts in Docker's JSON: what it has, and what was asked for. */
import type { MountBody, MountPointJson } from '#specs';
import type { ContainerRecord } from './container-record.ts';
import type { HostSettings } from './container-settings.ts';
import { mountPointsOf, mountSettingsOf } from './mounts/mount-point.ts';
import type { MountPoint } from './mounts/mount-setting.ts';
import type { BindRecursion, MountSetting, VolumeSetting } from './mounts/mount-setting.ts';
import type { EngineParts } from './parts.ts';

/** compat: `--tmpfs` is not among them. */
export function mountsJson(parts: EngineParts, record: ContainerRecord): MountPointJson[] {
  return mountPointsOf(record).map((point) => pointJson(parts, point));
}

function pointJson(
  { volumes }: EngineParts,
  { setting, name, readonly, mode, propagation }: MountPoint,
): MountPointJson {
  const rest = { Destination: setting.destination, Mode: mode, RW: !readonly, Propagation: propagation };
  switch (setting.type) {
    case 'volume':
      return {
        ...{ Type: 'volume', Name: name, Source: volumes.pathOf(name), Destination: setting.destination },
        ...{ Driver: 'local', Mode: mode, RW: !readonly, Propagation: '' },
      };
    case 'image':
      return { Type: 'image', Name: setting.image, Source: name, ...rest };
    case 'bind':
      return { Type: 'bind', Source: setting.source, ...rest };
    case 'tmpfs':
      return { Type: 'tmpfs', Source: '', ...rest };
  }
}

/** `HostConfig.Binds`, `Mounts` and the like, as they were asked for. */
export function hostMountsOf(host: HostSettings): object {
  const settings = mountSettingsOf(host);
  const texts = settings.flatMap(({ text }) => (text === undefined ? [] : [text]));
  const bodies = settings.filter(({ text }) => text === undefined).map(bodyOf);
  return {
    Binds: texts.length === 0 ? null : texts,
    VolumeDriver: host.volumeDriver ?? '',
    VolumesFrom: host.volumesFrom?.length ? host.volumesFrom : null,
    ...(bodies.length > 0 ? { Mounts: bodies } : {}),
    ...(Object.keys(host.tmpfs).length > 0 ? { Tmpfs: host.tmpfs } : {}),
  };
}

/** compat: what says nothing is left out. */
function bodyOf(setting: MountSetting): MountBody {
  const { type, destination, readonly } = setting;
  const source =
    setting.type === 'volume' ? setting.name : setting.type === 'image' ? setting.image : sourceOf(setting);
  return {
    Type: type,
    ...(source === '' ? {} : { Source: source }),
    Target: destination,
    ...(readonly ? { ReadOnly: true } : {}),
    ...('idMaps' in setting && setting.idMaps ? { IdMap: setting.idMaps.text } : {}),
    ...optionsOf(setting),
  };
}

const sourceOf = (setting: MountSetting): string => (setting.type === 'bind' ? setting.source : '');

function optionsOf(setting: MountSetting): Partial<MountBody> {
  switch (setting.type) {
    case 'bind': {
      const options = {
        ...(setting.propagation === '' ? {} : { Propagation: setting.propagation }),
        ...recursions[setting.recursion],
        ...(setting.createSource ? { CreateMountpoint: true } : {}),
      };
      return Object.keys(options).length === 0 ? {} : { BindOptions: options };
    }
    case 'volume': {
      const options = volumeOptionsOf(setting);
      return options === undefined ? {} : { VolumeOptions: options };
    }
    case 'image':
      return setting.subpath === '' ? {} : { ImageOptions: { Subpath: setting.subpath } };
    case 'tmpfs': {
      const { sizeBytes, permissions, options } = setting;
      const body = {
        ...(sizeBytes > 0 ? { SizeBytes: sizeBytes } : {}),
        ...(permissions > 0 ? { Mode: permissions } : {}),
        ...(options.length > 0 ? { Options: options } : {}),
      };
      return Object.keys(body).length === 0 ? {} : { TmpfsOptions: body };
    }
  }
}

const recursions: Readonly<Record<BindRecursion, NonNullable<MountBody['BindOptions']>>> = {
  enabled: {},
  disabled: { NonRecursive: true },
  writable: { ReadOnlyNonRecursive: true },
  readonly: { ReadOnlyForceRecursive: true },
};

function volumeOptionsOf({
  noCopy,
  labels,
  driver,
  driverOptions,
  subpath,
}: VolumeSetting): MountBody['VolumeOptions'] {
  const says = noCopy || labels !== null || driver !== '' || driverOptions !== null || subpath !== '';
  if (!says) return undefined;
  return {
    ...(noCopy ? { NoCopy: true } : {}),
    ...(labels === null ? {} : { Labels: labels }),
    DriverConfig: {
      ...(driver === '' ? {} : { Name: driver }),
      ...(driverOptions === null ? {} : { Options: driverOptions }),
    },
    ...(subpath === '' ? {} : { Subpath: subpath }),
  };
}
