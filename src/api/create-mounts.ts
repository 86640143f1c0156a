/** `Binds` (`-v`) and `Mounts` (`--mount`) → bind and tmpfs settings. */
import { posix } from 'node:path';
import type { BindSetting } from '#engine';
import type { MountBody } from '#specs';
import { errors } from './errors.ts';

const propagations = new Set(['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave']);
/** Words of `-v` that change nothing on a Linux host without SELinux, or say what is the case. */
const harmless = new Set(['rw', 'z', 'Z', 'nocopy', 'cached', 'delegated', 'consistent']);

/** Each `SOURCE:DESTINATION[:OPTIONS]`. Throws `api.invalid` and `api.unsupported`. */
export function parseBinds(binds: readonly string[]): BindSetting[] {
  return binds.map((text) => {
    const [source = '', destination = '', modes = '', ...rest] = text.split(':');
    if (destination === '' || rest.length > 0) throw errors.invalid(`invalid volume specification: '${text}'`);
    if (!source.startsWith('/')) {
      throw errors.unsupported(`the named volume "${source}"`, 'bind a folder of the host by its absolute path');
    }
    let readonly = false;
    let propagation = '';
    for (const mode of modes.split(',').filter((word) => word !== '')) {
      if (mode === 'ro') readonly = true;
      else if (propagations.has(mode)) propagation = mode;
      else if (!harmless.has(mode))
        throw errors.invalid(`invalid volume specification: '${text}': invalid mode: ${mode}`);
    }
    return { source, destination: absolute(destination, text), readonly, propagation, createSource: true, text };
  });
}

export interface ParsedMounts {
  readonly binds: readonly BindSetting[];
  readonly tmpfs: Readonly<Record<string, string>>;
}

export function parseMounts(mounts: readonly MountBody[]): ParsedMounts {
  const binds: BindSetting[] = [];
  const tmpfs: Record<string, string> = {};
  for (const mount of mounts) {
    const target = absolute(mount.Target ?? '', JSON.stringify(mount));
    if (mount.Type === 'bind') binds.push(bindOf(mount, target));
    else if (mount.Type === 'tmpfs') tmpfs[target] = tmpfsOptions(mount);
    else throw errors.unsupported(`a mount of type "${mount.Type ?? ''}"`, 'use bind or tmpfs');
  }
  return { binds, tmpfs };
}

function bindOf(mount: MountBody, destination: string): BindSetting {
  const options = mount.BindOptions ?? {};
  if (!mount.Source?.startsWith('/')) {
    throw errors.invalid(
      `invalid mount config for type "bind": invalid mount path: '${mount.Source ?? ''}' mount path must be absolute`,
    );
  }
  if (options.NonRecursive || options.ReadOnlyNonRecursive) {
    throw errors.unsupported('a bind mount that is not recursive', 'leave bind-recursive out');
  }
  if (options.Propagation && !propagations.has(options.Propagation)) {
    throw errors.invalid(`invalid propagation mode: ${options.Propagation}`);
  }
  return {
    source: mount.Source,
    destination,
    readonly: mount.ReadOnly ?? false,
    propagation: options.Propagation ?? '',
    createSource: options.CreateMountpoint ?? false,
  };
}

function tmpfsOptions(mount: MountBody): string {
  const { SizeBytes = 0, Mode, Options = [] } = mount.TmpfsOptions ?? {};
  return [
    ...(SizeBytes > 0 ? [`size=${SizeBytes}`] : []),
    ...(Mode ? [`mode=${Mode.toString(8)}`] : []),
    ...(mount.ReadOnly ? ['ro'] : []),
    ...Options.map((pair) => pair.join('=')),
  ].join(',');
}

function absolute(path: string, text: string): string {
  if (!path.startsWith('/')) {
    throw errors.invalid(
      `invalid mount config: invalid mount path: '${path}' mount path must be absolute (in ${text})`,
    );
  }
  const clean = posix.normalize(path).replace(/(.)\/$/, '$1');
  if (clean === '/') throw errors.invalid(`invalid specification: destination can't be '/' (in ${text})`);
  return clean;
}
