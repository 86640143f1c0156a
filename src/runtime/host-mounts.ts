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
    await this.#run(mountOps(mount, target), what);
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

/** What mounts it. Pure. */
export function mountOps({ type, device, options }: HostMount, target: string): Op[] {
  const parsed = parseMountOptions(options);
  const [propagation = 0] = parsed.propagation;
  if (parsed.bind || type === 'bind') {
    const { set, clear } = parsed;
    return [
      {
        op: 'mountBind',
        opFlags: parsed.recursive ? opFlags.recursive : 0,
        root: NONE,
        target,
        create: create.nothing,
        sourceSlot: NONE,
        source: device,
        ...{ set, clear, propagation, idmap: NONE },
      },
    ];
  }
  return [
    {
      op: 'mountFs',
      root: NONE,
      target,
      create: create.nothing,
      type,
      source: device,
      options: parsed.data,
      attributes: parsed.set,
      propagation,
      idmap: NONE,
    },
  ];
}
