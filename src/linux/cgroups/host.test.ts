import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CgroupHost, detectCgroups, folderOf, hierarchyWith } from './host.ts';

const HYBRID = `23 27 0:22 / /sys rw,relatime - sysfs sysfs rw
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,nosuid shared:10 - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw,nosuid - cgroup cgroup rw,xattr,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,nosuid - cgroup2 cgroup2 rw,nsdelegate
`;
const HYBRID_OWN = `3:memory:/user/7
2:cpuacct,cpu:/
1:name=systemd:/user.slice/session-1.scope
0::/user.slice
`;
const V2 = '35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n';

test('a hybrid host: controllers on v1, comounted ones in one hierarchy, v2 beside them', () => {
  const host = detectCgroups(HYBRID, HYBRID_OWN);
  assert.equal(host.mode, 'hybrid');
  assert.deepEqual(host.hierarchies, [
    { controllers: ['cpu', 'cpuacct'], mountPoint: '/sys/fs/cgroup/cpu,cpuacct', root: '/', own: '/' },
    { controllers: ['memory'], mountPoint: '/sys/fs/cgroup/memory', root: '/', own: '/user/7' },
    {
      controllers: ['name=systemd'],
      mountPoint: '/sys/fs/cgroup/systemd',
      root: '/',
      own: '/user.slice/session-1.scope',
    },
  ]);
  assert.deepEqual(host.unified, {
    controllers: [],
    mountPoint: '/sys/fs/cgroup/unified',
    root: '/',
    own: '/user.slice',
  });
  assert.equal(hierarchyWith(host, 'cpuacct')?.mountPoint, '/sys/fs/cgroup/cpu,cpuacct');
  assert.equal(hierarchyWith(host, 'pids'), undefined);
});

test('pure hosts: v2 alone, v1 alone, and v2 with only name=systemd left on v1', () => {
  const own = '0::/system.slice/skiffd.service\n';
  assert.equal(detectCgroups(V2, own).mode, 'v2');
  assert.equal(detectCgroups(V2, own).unified?.own, '/system.slice/skiffd.service');
  const v1 = HYBRID.split('\n').filter((line) => !line.includes('cgroup2'));
  assert.equal(detectCgroups(v1.join('\n'), HYBRID_OWN).mode, 'v1');
  const systemdOnly = HYBRID.split('\n').filter((line) => !/ (rw,cpu|rw,memory)/.test(line));
  const host = detectCgroups(systemdOnly.join('\n'), HYBRID_OWN);
  assert.deepEqual([host.mode, host.hierarchies], ['v2', []]);
});

test('a host without cgroups is refused with advice', () => {
  assert.throws(() => detectCgroups('22 27 0:21 / /proc rw - proc proc rw\n', ''), { code: 'cgroup.notMounted' });
});

test('of several mounts of one hierarchy the usual place is taken, and escaped mount points are read', () => {
  const mounts = `50 1 0:32 / /mnt/my\\040cgroups rw - cgroup cgroup rw,memory\n${HYBRID}`;
  assert.equal(hierarchyWith(detectCgroups(mounts, HYBRID_OWN), 'memory')?.mountPoint, '/sys/fs/cgroup/memory');
  const alone = mounts.split('\n')[0] ?? '';
  assert.equal(hierarchyWith(detectCgroups(alone, HYBRID_OWN), 'memory')?.mountPoint, '/mnt/my cgroups');
});

function check(host: CgroupHost, path: string, folder: string): void {
  const hierarchy = hierarchyWith(host, 'memory') ?? host.unified;
  assert.ok(hierarchy);
  assert.equal(folderOf(hierarchy, path), folder);
}

test('folderOf(): absolute paths start at the mount, others at the own cgroup, none gets out', () => {
  const host = detectCgroups(HYBRID, HYBRID_OWN);
  check(host, '/docker/abc', '/sys/fs/cgroup/memory/docker/abc');
  check(host, 'docker/abc', '/sys/fs/cgroup/memory/user/7/docker/abc');
  check(host, '/a/../../../etc/x', '/sys/fs/cgroup/memory/etc/x');
  check(host, '../../../x', '/sys/fs/cgroup/memory/user/7/x');
  check(host, '/', '/sys/fs/cgroup/memory');
});

test('folderOf() inside a container sees its own cgroup as the root of the mount', () => {
  const inside = (root: string, own: string): CgroupHost =>
    detectCgroups(V2.replace('0:30 /', `0:30 ${root}`), `0::${own}\n`);
  check(inside('/docker/abc', '/docker/abc'), 'x', '/sys/fs/cgroup/x');
  check(inside('/docker/abc', '/docker/abc/init'), 'x', '/sys/fs/cgroup/init/x');
  check(inside('/', '/'), 'x', '/sys/fs/cgroup/x');
  check(inside('/', '/../other'), 'x', '/sys/fs/cgroup/x');
});
