/** What a volume's options say is mounted on its folder (compat: the local driver's `type`, `device` and `o`). */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { messageOf } from '#base';
import type { VolumeRequest } from './volume-request.ts';

export interface LocalMount {
  /** A file system's name; `none` for a bind. */
  readonly type: string;
  readonly device: string;
  /** Words as mount(8) takes them. */
  readonly options: readonly string[];
}

/** Puts something on a volume's folder and takes it away; both throw why they cannot. */
export interface VolumeMounter {
  mount(mount: LocalMount, target: string): Promise<void>;
  unmount(target: string): Promise<void>;
  /** The mount points at this path and below it. */
  mountsIn(folder: string): readonly string[];
}

/** Undefined: its files are in its folder. */
export function mountOf({ options }: Pick<VolumeRequest, 'options'>): LocalMount | undefined {
  const { type = '', device = '', o = '' } = options ?? {};
  if (type === '' && device === '') return undefined;
  return { type, device, options: o.split(',').filter((word) => word !== '') };
}

type Lookup = (name: string) => Promise<string>;

const systemLookup: Lookup = async (name) => (await lookup(name)).address;

/**
 * kernel: NFS and CIFS take addresses only. compat: the name in `addr=` is looked up at each mount, and for CIFS the
 * device's host where there is no `addr=`. Throws what the look-up says.
 */
export async function withAddress(mount: LocalMount, look: Lookup = systemLookup): Promise<LocalMount> {
  if (!['nfs', 'nfs4', 'cifs'].includes(mount.type)) return mount;
  const given = mount.options.find((word) => word.startsWith('addr='))?.slice('addr='.length);
  if (given !== undefined) {
    if (given === '' || isIP(given) !== 0) return mount;
    const address = await resolved(given, look);
    return { ...mount, options: mount.options.map((word) => (word === `addr=${given}` ? `addr=${address}` : word)) };
  }
  const host = mount.type === 'cifs' ? /^\/\/([^/]+)\//.exec(mount.device)?.[1] : undefined;
  if (host === undefined || isIP(host) !== 0) return mount;
  return { ...mount, options: [...mount.options, `addr=${await resolved(host, look)}`] };
}

async function resolved(name: string, look: Lookup): Promise<string> {
  try {
    return await look(name);
  } catch (error) {
    throw new Error(`error resolving passed in network volume address: ${messageOf(error)}`, { cause: error });
  }
}

/** compat: a password does not get into an error's words. */
export function withoutPassword(text: string, { options }: LocalMount): string {
  const password = options.find((word) => word.startsWith('password='))?.slice('password='.length) ?? '';
  return password === '' ? text : text.replaceAll(password, '********');
}
