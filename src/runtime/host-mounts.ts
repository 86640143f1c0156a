/** Mounts on the host itself, outside of any container: what volumes have mounted on their folders. */
import { readFileSync } from 'node:fs';
import { type Launcher, MNT_DETACH, unescapeOctal } from '#linux';
import { errors } from './errors.ts';
import { describeErrno } from './failure.ts';
import { encodePlan } from './plan/encode.ts';
import { parseMountOptions } from './plan/mount-options.ts';
import { create, NONE, type Op, opFlags } from './plan/op.ts';

export interface HostMount {
  /** A file system's name; `none` or `bind` for a bind. */
  readonly type: string;
  readonly device: string;
  /** Words as mount(8) takes them. */
  readonly options: readonly string[];
}

/** Performed by the launcher, in the mount namespace the daemon was started in. */
export class HostMounts {
  readonly #launcher: Launcher;

  constructor(launcher: Launcher) {
    this.#launcher = launcher;
  }

  /** Throws `runtime.hostMount` with the kernel's reason; nothing is mounted then. */
  async mount(mount: HostMount, target: string): Promise<void> {
    const what = `failed to mount local volume: mount ${mount.device}:${target}`;
    refuseForeign(mount.options, what);
    try {
      await this.#run(mountOps(mount, target), what);
    } catch (error) {
      // Of several steps the first may have been done.
      if (this.mountsIn(target).includes(target)) await this.unmount(target);
      throw error;
    }
  }

  /** Throws `runtime.hostMount`. What uses it still keeps it until it ends. */
  unmount(target: string): Promise<void> {
    return this.#run([{ op: 'umount', at: NONE, path: target, flags: MNT_DETACH }], `unmount ${target}`);
  }

  /** The mount points at this path and below it; a path without symlinks. */
  mountsIn(folder: string): readonly string[] {
    return readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .map((line) => unescapeOctal(line.split(' ')[4] ?? ''))
      .filter((point) => point === folder || point.startsWith(`${folder}/`));
  }

  async #run(parent: readonly Op[], what: string): Promise<void> {
    const outcome = await this.#launcher.run(encodePlan({ parent, child: [] }));
    if (outcome.errno !== 0) throw errors.hostMount(what, describeErrno(outcome.errno));
  }
}

/** What mounts it. Pure. compat: as with mount(2), a bind takes no words of a file system, and nothing comes of them. */
export function mountOps({ type, device, options }: HostMount, target: string): Op[] {
  const parsed = parseMountOptions(options);
  const { set, clear, recursiveSet, recursiveClear } = parsed;
  const [propagation = 0, ...further] = parsed.propagation;
  const at = { root: NONE, target, create: create.nothing, propagation, idmap: NONE };
  const isBind = parsed.bind || type === 'bind';
  const kind = parsed.recursive ? opFlags.recursive : 0;
  const first: Op = isBind
    ? { op: 'mountBind', opFlags: kind, ...at, sourceSlot: NONE, source: device, set, clear }
    : { op: 'mountFs', ...at, type, source: device, options: parsed.data, attributes: set };
  const again = { op: 'remount', root: NONE, path: target } as const;
  return [
    first,
    ...(recursiveSet === 0 && recursiveClear === 0
      ? []
      : [
          {
            ...{ ...again, opFlags: opFlags.attributesRecursive },
            ...{ set: recursiveSet, clear: recursiveClear, propagation: 0 },
          },
        ]),
    ...further.map((flags): Op => ({ ...again, set: 0, clear: 0, propagation: flags })),
  ];
}

/** Words of the specification of containers that mean nothing on a host. */
function refuseForeign(options: readonly string[], what: string): void {
  const foreign = options.find((word) => ['idmap', 'ridmap', 'tmpcopyup'].includes(word));
  if (foreign !== undefined) throw errors.hostMount(what, `the option ${foreign} is for containers only`);
}
