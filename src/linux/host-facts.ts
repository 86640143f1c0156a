/** What this host is and may do, read once: kernel version, rights, security modules, mounts. */
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, release } from 'node:os';

export interface HostFacts {
  readonly kernel: { readonly major: number; readonly minor: number };
  /** What this process could give to a child at most: its bounding set (capabilities(7)). */
  readonly boundingCapabilities: bigint;
  /** That this process may use (compat: Docker counts them once, too). */
  readonly cpus: number;
  readonly timeNamespace: boolean;
  readonly apparmor: boolean;
  readonly selinux: boolean;
  /** The mount point that holds a path; read from the kernel when asked, for it changes. */
  readonly mountPointOf: (path: string) => string;
}

/** Reads the facts of this host. Throws Node's system errors where /proc is not mounted. */
export function readHostFacts(): HostFacts {
  return {
    kernel: parseKernelRelease(release()),
    boundingCapabilities: boundingSet(readFileSync('/proc/self/status', 'utf8')),
    cpus: availableParallelism(),
    timeNamespace: existsSync('/proc/self/ns/time'),
    apparmor: readOptional('/sys/module/apparmor/parameters/enabled').startsWith('Y'),
    selinux: existsSync('/sys/fs/selinux/enforce'),
    mountPointOf: (path) => mountPointIn(readFileSync('/proc/self/mountinfo', 'utf8'), path),
  };
}

/** Lists such as `0-3,7` of what is on: CPUs, and memory nodes; read when asked, for both may come and go. */
export function onlineUnits(): { readonly cpus: string; readonly nodes: string } {
  const list = (kind: string): string => readOptional(`/sys/devices/system/${kind}/online`).trim();
  // kernel: one without NUMA has no nodes there, and one in a cpuset.
  return { cpus: list('cpu'), nodes: list('node') || '0' };
}

/** `6.18.44-amd64` → 6, 18. */
export function parseKernelRelease(text: string): { major: number; minor: number } {
  const match = /^(\d+)\.(\d+)/.exec(text);
  return { major: Number(match?.[1] ?? 0), minor: Number(match?.[2] ?? 0) };
}

/** Whether the kernel is at least this version. */
export function kernelAtLeast(facts: Pick<HostFacts, 'kernel'>, major: number, minor: number): boolean {
  return facts.kernel.major > major || (facts.kernel.major === major && facts.kernel.minor >= minor);
}

function boundingSet(status: string): bigint {
  return BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
}

/** The longest mount point of a mountinfo text that holds the path (proc_pid_mountinfo(5)). */
export function mountPointIn(mountinfo: string, path: string): string {
  const points = mountinfo.split('\n').map((line) => unescapeOctal(line.split(' ')[4] ?? ''));
  const holds = (point: string): boolean => point === '/' || path === point || path.startsWith(`${point}/`);
  return points
    .filter((point) => point !== '' && holds(point))
    .reduce((best, point) => (point.length > best.length ? point : best), '/');
}

/** Spaces and backslashes stand as octal escapes in the kernel's mount lists. */
export function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

function readOptional(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
