/** What the kernel offers to containers. */
import { capabilitiesIn, detectCgroups, kernelAtLeast, parseKernelRelease } from '#linux';
import { type Finding, ok, problem, warning } from './finding.ts';
import type { HostView } from './host-view.ts';

export function kernelChecks(host: HostView): Finding[] {
  return [
    kernel(host),
    ...cgroups(host),
    ...namespaces(host),
    seccomp(host),
    ...capabilities(host),
    nft(host),
    modules(host),
  ];
}

/** openat2 and close_range came with 5.6 and 5.9, mount_setattr with 5.12. */
function kernel({ kernelRelease }: HostView): Finding {
  const facts = { kernel: parseKernelRelease(kernelRelease) };
  if (!kernelAtLeast(facts, 5, 6))
    return problem('kernel', `Linux ${kernelRelease} is too old`, 'use Linux 5.12 or newer');
  if (!kernelAtLeast(facts, 5, 12)) {
    return warning(
      'kernel',
      `Linux ${kernelRelease} has no mount_setattr`,
      'use Linux 5.12 or newer: read-only binds are not recursive before',
    );
  }
  return ok('kernel', `Linux ${kernelRelease}`);
}

/** By what a user asks for, the controller's names on v1 and v2. */
const controllers: Readonly<Record<string, { readonly v1: string; readonly v2?: string; readonly without: string }>> = {
  memory: { v1: 'memory', v2: 'memory', without: '--memory is refused' },
  cpu: { v1: 'cpu', v2: 'cpu', without: '--cpus and --cpu-shares are refused' },
  pids: { v1: 'pids', v2: 'pids', without: '--pids-limit is refused' },
  cpuset: { v1: 'cpuset', v2: 'cpuset', without: '--cpuset-cpus is refused' },
  io: { v1: 'blkio', v2: 'io', without: '--device-read-bps and the like are refused' },
  freezer: { v1: 'freezer', without: 'skiff pause is refused' },
  devices: { v1: 'devices', without: 'devices are not restricted' },
};

function cgroups(host: HostView): Finding[] {
  const topic = 'cgroups';
  let found: ReturnType<typeof detectCgroups>;
  try {
    found = detectCgroups(host.read('/proc/self/mountinfo') ?? '', host.read('/proc/self/cgroup') ?? '');
  } catch {
    return [problem(topic, 'no cgroup hierarchy is mounted', 'mount one: mount -t cgroup2 none /sys/fs/cgroup')];
  }
  const isV2 = found.mode === 'v2';
  const present = new Set(
    isV2
      ? (host.read(`${found.unified?.mountPoint}/cgroup.controllers`) ?? '').trim().split(/\s+/)
      : found.hierarchies.flatMap((hierarchy) => hierarchy.controllers),
  );
  const missing = Object.entries(controllers)
    .map(([name, { v1, v2, without }]) => ({ name, needed: isV2 ? v2 : v1, without }))
    .filter(({ needed }) => needed !== undefined && !present.has(needed));
  const list = [...present]
    .filter((name) => name !== '' && !name.startsWith('name='))
    .sort()
    .join(' ');
  const version = isV2 ? 'version 2' : found.mode === 'hybrid' ? 'version 1, with version 2 beside it' : 'version 1';
  return [
    ok(topic, `${version}: ${list}`),
    ...missing.map(({ name, needed, without }) =>
      warning(
        topic,
        `the controller ${needed ?? name} is missing: ${without}`,
        'enable it: boot with cgroup_enable=, or ask who runs this machine',
      ),
    ),
  ];
}

function namespaces(host: HostView): Finding[] {
  const needed = ['mnt', 'pid', 'net', 'ipc', 'uts'];
  const missing = needed.filter((name) => !host.exists(`/proc/self/ns/${name}`));
  const optional = ['cgroup', 'time', 'user'].filter((name) => host.exists(`/proc/self/ns/${name}`));
  const topic = 'namespaces';
  if (missing.length > 0) {
    return [
      problem(
        topic,
        `the kernel has no namespaces for ${missing.join(', ')}`,
        'use a kernel built with CONFIG_NAMESPACES',
      ),
    ];
  }
  const most = Number(host.read('/proc/sys/user/max_user_namespaces') ?? 0);
  const found = [ok(topic, [...needed, ...optional].join(' '))];
  if (most === 0) {
    found.push(
      warning(
        topic,
        'user namespaces are off',
        'they are only needed inside containers: sysctl user.max_user_namespaces=15000',
      ),
    );
  }
  return found;
}

function seccomp(host: HostView): Finding {
  const actions = (host.read('/proc/sys/kernel/seccomp/actions_avail') ?? '').trim();
  if (actions === '') {
    return problem(
      'seccomp',
      'the kernel has no seccomp filters',
      'use a kernel with CONFIG_SECCOMP_FILTER, or --security-opt seccomp=unconfined',
    );
  }
  return ok('seccomp', `filters: ${actions}`);
}

/** Without these there are no containers at all; without the others of Docker's set some programs in them fail. */
const essential = [
  'CAP_SYS_ADMIN',
  'CAP_SETUID',
  'CAP_SETGID',
  'CAP_SYS_CHROOT',
  'CAP_SETPCAP',
  'CAP_MKNOD',
  'CAP_DAC_OVERRIDE',
];
const usual = [
  'CAP_NET_ADMIN',
  'CAP_CHOWN',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_RAW',
  'CAP_SETFCAP',
  'CAP_AUDIT_WRITE',
  'CAP_SYS_RESOURCE',
];

function capabilities(host: HostView): Finding[] {
  const mask = /^CapBnd:\s*([0-9a-f]+)/m.exec(host.read('/proc/self/status') ?? '')?.[1] ?? '0';
  const present = new Set<string>(capabilitiesIn(BigInt(`0x${mask}`)));
  const lacking = (names: readonly string[]): string => names.filter((name) => !present.has(name)).join(' ');
  const [needed, wished] = [lacking(essential), lacking(usual)];
  const topic = 'capabilities';
  const advice = 'this is a container or a restricted service itself: run the daemon with more rights';
  if (needed !== '') return [problem(topic, `the bounding set lacks ${needed}`, advice)];
  if (wished !== '') return [warning(topic, `the bounding set lacks ${wished}`, advice)];
  return [ok(topic, `${present.size} in the bounding set, with all that containers need`)];
}

function nft(host: HostView): Finding {
  const topic = 'nftables';
  const isLoaded = host.exists('/sys/module/nf_tables') || (host.read('/proc/modules') ?? '').includes('nf_tables ');
  const [, built] = /^CONFIG_NF_TABLES=([ym])$/m.exec(host.kernelConfig()) ?? [];
  if (isLoaded || built === 'y') return ok(topic, 'there');
  if (built === 'm') return ok(topic, 'a module, loaded when it is needed');
  return warning(topic, 'not seen in the kernel', 'published ports need it: modprobe nf_tables');
}

function modules(host: HostView): Finding {
  const apparmor = host.read('/sys/module/apparmor/parameters/enabled')?.startsWith('Y') ?? false;
  const selinux = host.read('/sys/fs/selinux/enforce')?.trim();
  if (selinux === '1') {
    return warning(
      'security modules',
      'SELinux enforces',
      'containers get no labels of their own: binds may need chcon -t container_file_t',
    );
  }
  return ok(
    'security modules',
    apparmor ? 'AppArmor is on; containers get no profile of their own' : 'none in the way',
  );
}
