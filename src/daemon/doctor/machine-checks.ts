/** What the machine offers: disk, limits, and the way to the daemon. */
import { formatBytes } from '#base';
import { unescapeOctal } from '#linux';
import { type Finding, ok, problem, warning } from './finding.ts';
import { type HostView, nearestFolder } from './host-view.ts';

export interface DoctorOptions {
  readonly dataRoot: string;
  readonly socket: string;
}

export async function machineChecks(host: HostView, { dataRoot, socket }: DoctorOptions): Promise<Finding[]> {
  const folder = nearestFolder(host, dataRoot);
  return [
    helper(host),
    disk(host, dataRoot, folder),
    overlay(host, folder),
    quota(host, folder),
    ...limits(host),
    ...(await daemon(host, socket)),
  ];
}

function helper(host: HostView): Finding {
  const fault = host.helperFault();
  return fault === undefined
    ? ok('native helper', 'there')
    : problem('native helper', fault, 'install the package anew');
}

const GB = 1e9;

function disk(host: HostView, dataRoot: string, folder: string): Finding {
  const { freeBytes, freeFiles, files } = host.space(folder);
  const { type } = mountOf(host, folder);
  const what = `${formatBytes(freeBytes)} free on ${type} for ${dataRoot}`;
  const advice = 'make room: skiff system df, skiff image prune, or another --data-root';
  if (freeBytes < GB / 2) return problem('disk', what, advice);
  // Some file systems make files as they need them and count none.
  if (files > 0 && freeFiles < 10_000) return warning('disk', `${what}, but only ${freeFiles} files more`, advice);
  return freeBytes < 5 * GB ? warning('disk', what, advice) : ok('disk', what);
}

function overlay(host: HostView, folder: string): Finding {
  const listed = /\toverlay$/m.test(host.read('/proc/filesystems') ?? '');
  if (!host.isRoot) {
    return listed
      ? ok('overlay', 'the kernel has it; whether it works on the data folder is tried as root')
      : warning('overlay', 'the kernel does not list it', 'modprobe overlay');
  }
  const fault = host.overlayFault(folder);
  if (fault === undefined) return ok('overlay', `works in ${folder}`);
  return warning(
    'overlay',
    fault,
    'layers are copied instead, which takes time and space: use ext4, xfs or btrfs below the data root',
  );
}

function quota(host: HostView, folder: string): Finding {
  const { options } = mountOf(host, folder);
  if (options.some((option) => option === 'prjquota' || option === 'pquota')) return ok('quota', 'per container');
  return warning(
    'quota',
    'none per project on the data root',
    '--storage-opt size=… is refused: mount with prjquota (ext4, xfs) where it is needed',
  );
}

function limits(host: HostView): Finding[] {
  const files = Number(/^Max open files\s+\d+\s+(\d+|unlimited)/m.exec(host.read('/proc/self/limits') ?? '')?.[1] ?? 0);
  const number = (path: string): number => Number(host.read(path) ?? NaN);
  const found: Finding[] = [];
  if (files > 0 && files < 65_536) {
    found.push(warning('limits', `at most ${files} open files`, 'LimitNOFILE=1048576 in the unit, or ulimit -n'));
  }
  const instances = number('/proc/sys/fs/inotify/max_user_instances');
  if (instances < 512) {
    found.push(
      warning(
        'limits',
        `at most ${instances} inotify instances per user`,
        'programs that watch files fail in many containers: sysctl fs.inotify.max_user_instances=8192',
      ),
    );
  }
  const watches = number('/proc/sys/fs/inotify/max_user_watches');
  if (watches < 65_536) {
    found.push(
      warning('limits', `at most ${watches} inotify watches per user`, 'sysctl fs.inotify.max_user_watches=524288'),
    );
  }
  const pids = number('/proc/sys/kernel/pid_max');
  if (pids < 32_768) found.push(warning('limits', `at most ${pids} processes`, 'sysctl kernel.pid_max=4194304'));
  return found.length > 0
    ? found
    : [ok('limits', `${files || 'unlimited'} open files, ${instances} inotify instances`)];
}

async function daemon(host: HostView, socket: string): Promise<Finding[]> {
  const state = await host.socket(socket);
  const found: Finding[] = [];
  if (state === 'open') found.push(ok('daemon', `listens at ${socket}`));
  else if (state === 'forbidden') {
    found.push(warning('daemon', `${socket} is not for this user`, 'use sudo, or join the group of the socket'));
  } else {
    const how = host.isRoot ? "the next 'skiff' command starts it" : 'run one skiff command with sudo';
    found.push(ok('daemon', `none at ${socket}: ${how}`));
  }
  for (const name of ['SKIFF_HOST', 'DOCKER_HOST', 'DOCKER_CONTEXT']) {
    const value = host.environment[name];
    if (!value || value === `unix://${socket}`) continue;
    found.push(
      warning(
        'daemon',
        `${name}=${value}: commands go there, and not to ${socket}`,
        `unset ${name} if that is not meant`,
      ),
    );
    break;
  }
  return found;
}

interface Mount {
  readonly type: string;
  readonly options: readonly string[];
}

/** The mount that holds a folder: the last of the longest that fit. spec: proc_pid_mountinfo(5). */
export function mountOf(host: Pick<HostView, 'read'>, folder: string): Mount {
  let best = { point: '', type: 'an unknown file system', options: [] as string[] };
  for (const line of (host.read('/proc/self/mountinfo') ?? '').split('\n')) {
    const [left = '', right = ''] = line.split(' - ');
    const fields = left.split(' ');
    const point = unescapeOctal(fields[4] ?? '');
    const holds = point === '/' || folder === point || folder.startsWith(`${point}/`);
    if (point === '' || !holds || point.length < best.point.length) continue;
    const [type = '', , superOptions = ''] = right.split(' ');
    best = { point, type, options: [...(fields[5] ?? '').split(','), ...superOptions.split(',')] };
  }
  return best;
}
