import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostView } from './host-view.ts';
import { mountOf } from './machine-checks.ts';
import { examine, runDoctor } from './program.ts';

const V2 = '30 1 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw';
const DISK = '29 1 8:1 / / rw - ext4 /dev/sda1 rw,prjquota';

const files: Readonly<Record<string, string>> = {
  '/proc/self/mountinfo': `${DISK}\n${V2}\n`,
  '/proc/self/cgroup': '0::/user.slice\n',
  '/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io memory pids\n',
  '/proc/self/status': 'CapBnd:\t000001ffffffffff\n',
  '/proc/self/limits': 'Max open files            1024                 1048576              files\n',
  '/proc/sys/kernel/seccomp/actions_avail': 'kill_process errno allow\n',
  '/proc/sys/user/max_user_namespaces': '1000\n',
  '/proc/sys/fs/inotify/max_user_instances': '8192\n',
  '/proc/sys/fs/inotify/max_user_watches': '524288\n',
  '/proc/sys/kernel/pid_max': '4194304\n',
  '/proc/filesystems': 'nodev\toverlay\n',
};

/** A host on which all is well, but for what is changed. */
function hostWith(changes: Partial<HostView> = {}, changed: Readonly<Record<string, string>> = {}): HostView {
  const all = { ...files, ...changed };
  return {
    kernelRelease: '6.12.1',
    isRoot: true,
    environment: {},
    read: (path) => (Object.hasOwn(all, path) ? all[path] : undefined),
    exists: (path) => path.startsWith('/proc/self/ns/') || path === '/',
    kernelConfig: () => 'CONFIG_NF_TABLES=y\n',
    space: () => ({ freeBytes: 1e12, freeFiles: 1e6, files: 1e7 }),
    overlayFault: () => undefined,
    helperFault: () => undefined,
    socket: async () => 'closed',
    ...changes,
  };
}

const options = { dataRoot: '/var/lib/skiff', socket: '/run/skiff.sock' };

test('a host on which all is well has nothing but good lines', async () => {
  const findings = await examine(hostWith(), options);
  assert.deepEqual(
    findings.filter(({ level }) => level !== 'ok'),
    [],
  );
  assert.ok(findings.length > 12);
});

test('what a host lacks is told, with what to do', async () => {
  const check = async (
    expected: string,
    changes: Partial<HostView>,
    changed: Readonly<Record<string, string>> = {},
  ): Promise<void> => {
    const found = (await examine(hostWith(changes, changed), options)).filter(({ level }) => level !== 'ok');
    assert.deepEqual(
      found.map(({ level, topic, what }) => `${level} ${topic}: ${what}`),
      [expected],
    );
    assert.ok(found.every(({ advice }) => advice !== undefined && advice.length > 5));
  };
  await check('problem kernel: Linux 4.19.0 is too old', { kernelRelease: '4.19.0' });
  await check('warning kernel: Linux 5.10.0 has no mount_setattr', { kernelRelease: '5.10.0' });
  await check('problem cgroups: no cgroup hierarchy is mounted', {}, { '/proc/self/mountinfo': DISK });
  await check(
    'warning cgroups: the controller memory is missing: --memory is refused',
    {},
    { '/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io pids\n' },
  );
  await check(
    'problem capabilities: the bounding set lacks CAP_SYS_ADMIN',
    {},
    { '/proc/self/status': 'CapBnd:\t000001ffffdfffff\n' },
  );
  await check('warning nftables: not seen in the kernel', { kernelConfig: () => '' });
  await check('problem native helper: gone', { helperFault: () => 'gone' });
  await check('problem disk: 100MB free on ext4 for /var/lib/skiff', {
    space: () => ({ freeBytes: 1e8, freeFiles: 1e6, files: 1e7 }),
  });
  await check('warning overlay: no such thing', { overlayFault: () => 'no such thing' });
  await check(
    'warning quota: none per project on the data root',
    {},
    { '/proc/self/mountinfo': `29 1 8:1 / / rw - ext4 /dev/sda1 rw\n${V2}` },
  );
  await check(
    'warning limits: at most 128 inotify instances per user',
    {},
    { '/proc/sys/fs/inotify/max_user_instances': '128' },
  );
  await check('warning daemon: /run/skiff.sock is not for this user', { socket: async () => 'forbidden' });
  await check('warning daemon: DOCKER_HOST=tcp://h:1: commands go there, and not to /run/skiff.sock', {
    environment: { DOCKER_HOST: 'tcp://h:1' },
  });
  await check(
    'problem seccomp: the kernel has no seccomp filters',
    {},
    { '/proc/sys/kernel/seccomp/actions_avail': '' },
  );
});

test('mountOf() takes the last of the longest mount points that hold a folder', () => {
  const mountinfo = [DISK, '31 29 0:30 / /var rw - tmpfs t rw', '32 29 0:31 / /var rw - xfs x rw,usrquota', V2].join(
    '\n',
  );
  const of = (folder: string): string => mountOf({ read: () => mountinfo }, folder).type;
  assert.deepEqual([of('/'), of('/var/lib'), of('/variable')], ['ext4', 'xfs', 'ext4']);
});

test('runDoctor() writes lines, or JSON, of this very host', async () => {
  let said = '';
  const code = await runDoctor(['--format', 'json', '--data-root', '/tmp'], (text) => (said += text));
  const findings = said
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { level: string; topic: string });
  assert.ok(findings.some(({ topic }) => topic === 'kernel'));
  assert.equal(code, findings.some(({ level }) => level === 'problem') ? 1 : 0);
  await assert.rejects(
    runDoctor(['--format', 'xml'], () => {}),
    { message: /invalid --format 'xml'/ },
  );
  await assert.rejects(
    runDoctor(['--nope'], () => {}),
    { code: 'daemon.badFlag' },
  );
});
