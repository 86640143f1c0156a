import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SyscallError } from '#base';
import type { Cgroup } from './cgroup.ts';
import { FakeFiles, type OnWrite } from './fake-files.ts';
import type { CgroupHost } from './host.ts';
import { openCgroup } from './open.ts';

const ROOT = '/sys/fs/cgroup';
const CONTROLLERS = [['cpu', 'cpuacct'], ['cpuset'], ['memory'], ['devices'], ['freezer'], ['pids'], ['name=systemd']];

const host: CgroupHost = {
  mode: 'hybrid',
  hierarchies: CONTROLLERS.map((controllers) => ({
    controllers,
    mountPoint: `${ROOT}/${controllers.join().replace('name=', '')}`,
    root: '/',
    own: '/',
  })),
  unified: { controllers: [], mountPoint: `${ROOT}/unified`, root: '/', own: '/' },
};

const FILES: Readonly<Record<string, Record<string, string>>> = {
  'cpu,cpuacct': {
    'cpu.shares': '1024',
    'cpu.cfs_quota_us': '-1',
    'cpu.cfs_period_us': '100000',
    'cpuacct.usage': '5',
  },
  cpuset: { 'cpuset.cpus': '', 'cpuset.mems': '' },
  memory: {
    'memory.limit_in_bytes': '9223372036854771712',
    'memory.memsw.limit_in_bytes': '9223372036854771712',
    'memory.usage_in_bytes': '100',
  },
  devices: { 'devices.list': 'a *:* rwm', 'devices.allow': '', 'devices.deny': '' },
  freezer: { 'freezer.state': 'THAWED' },
  pids: { 'pids.max': 'max', 'pids.current': '0' },
  systemd: {},
};

function setUp(onWrite: OnWrite = () => {}): { files: FakeFiles; open: (path: string) => Cgroup; killed: number[] } {
  const killed: number[] = [];
  const files = new FakeFiles((folder) => {
    const hierarchy = folder.slice(ROOT.length + 1).split('/')[0] ?? '';
    return { 'cgroup.procs': '', tasks: '', ...FILES[hierarchy] };
  }, onWrite);
  for (const { mountPoint } of host.hierarchies) files.prepare(mountPoint);
  files.prepare(`${ROOT}/cpuset`, { 'cpuset.cpus': '0-3', 'cpuset.mems': '0' });
  const signal = (pid: number): void => {
    killed.push(pid);
    const procs = files.read(`${ROOT}/freezer/docker/abc/cgroup.procs`).split('\n');
    files.set(`${ROOT}/freezer/docker/abc/cgroup.procs`, procs.filter((line) => line !== String(pid)).join('\n'));
  };
  return { files, open: (path) => openCgroup(path, host, { files, signal }), killed };
}

const LIMITS = {
  memory: { limit: 64 << 20, swap: 128 << 20 },
  cpu: { shares: 512 },
  pids: { limit: 50 },
  devices: [
    { allow: false, access: 'rwm' },
    { allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' },
  ],
};

test('create() makes one folder per hierarchy, fills cpusets on the way and sets the limits', () => {
  const { files, open } = setUp();
  open('/docker/abc').create(LIMITS);
  assert.deepEqual(files.log, [
    'mkdir /sys/fs/cgroup/cpu,cpuacct/docker',
    'mkdir /sys/fs/cgroup/cpu,cpuacct/docker/abc',
    'mkdir /sys/fs/cgroup/cpuset/docker',
    '/sys/fs/cgroup/cpuset/docker/cpuset.cpus 0-3',
    '/sys/fs/cgroup/cpuset/docker/cpuset.mems 0',
    'mkdir /sys/fs/cgroup/cpuset/docker/abc',
    '/sys/fs/cgroup/cpuset/docker/abc/cpuset.cpus 0-3',
    '/sys/fs/cgroup/cpuset/docker/abc/cpuset.mems 0',
    ...['memory', 'devices', 'freezer', 'pids', 'systemd'].flatMap((name) => [
      `mkdir /sys/fs/cgroup/${name}/docker`,
      `mkdir /sys/fs/cgroup/${name}/docker/abc`,
    ]),
    '/sys/fs/cgroup/devices/docker/abc/devices.deny a',
    '/sys/fs/cgroup/devices/docker/abc/devices.allow c 1:3 rwm',
    '/sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.shares 512',
    '/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes 67108864',
    '/sys/fs/cgroup/memory/docker/abc/memory.memsw.limit_in_bytes 134217728',
    '/sys/fs/cgroup/pids/docker/abc/pids.max 50',
  ]);
});

test('create() that fails takes back exactly what it made', () => {
  const { files, open } = setUp((path) => {
    if (path.endsWith('pids.max')) throw new SyscallError('write', 'EINVAL', path);
  });
  files.prepare(`${ROOT}/memory/docker`);
  const before = [...files.folders.keys()].sort();
  assert.throws(() => open('/docker/abc').create(LIMITS), /pids.max: the kernel does not take this value/);
  assert.deepEqual([...files.folders.keys()].sort(), before);
});

test('create() refuses a cgroup with processes and takes over an empty one', () => {
  const { files, open } = setUp();
  files.prepare(`${ROOT}/cpu,cpuacct/docker`);
  files.prepare(`${ROOT}/cpu,cpuacct/docker/abc`, { 'cgroup.procs': '12\n13' });
  assert.throws(() => open('/docker/abc').create({}), { code: 'cgroup.notEmpty', message: /already holds 2 process/ });
  files.set(`${ROOT}/cpu,cpuacct/docker/abc/cgroup.procs`, '');
  open('/docker/abc').create({});
});

test('create() refuses limits that no controller here would enforce, and v2 files', () => {
  const { files, open } = setUp();
  const hugepages = { hugepageLimits: [{ pageSize: '2MB', limit: 0 }] };
  assert.throws(() => open('/a').create(hugepages), /hugetlb cgroup controller is not available/);
  assert.throws(() => open('/a').create({ unified: { 'memory.high': '1' } }), /this host uses cgroup v1/);
  assert.deepEqual(files.log, []);
});

test('a period that the old quota forbids is written again after the quota', () => {
  let quotaWritten = false;
  const { files, open } = setUp((path) => {
    if (path.endsWith('cfs_quota_us')) quotaWritten = true;
    if (path.endsWith('cfs_period_us') && !quotaWritten) throw new SyscallError('write', 'EINVAL', path);
  });
  open('/a').create({ cpu: { period: 1000, quota: 500 } });
  assert.deepEqual(
    files.log.filter((line) => line.includes('cfs')),
    ['/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us 500', '/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us 1000'],
  );
});

test('a memory limit that cannot be reached says how much is in use', () => {
  const { open } = setUp((path) => {
    if (path.endsWith('memory.limit_in_bytes')) throw new SyscallError('write', 'EBUSY', path);
  });
  const cgroup = open('/a');
  assert.throws(() => cgroup.create({ memory: { limit: 50 } }), /limit to 50: 100 bytes are in use/);
});

test('placement() lists the tasks files and what a cgroup mount inside shows', () => {
  const { open } = setUp();
  const { tasks, folder, hierarchies } = open('/docker/abc').placement({});
  assert.equal(folder, undefined);
  assert.equal(tasks.length, CONTROLLERS.length);
  assert.equal(tasks[0], '/sys/fs/cgroup/cpu,cpuacct/docker/abc/tasks');
  assert.deepEqual(hierarchies[0], {
    version: 1,
    name: 'cpu,cpuacct',
    options: ['cpu', 'cpuacct'],
    folder: '/sys/fs/cgroup/cpu,cpuacct/docker/abc',
  });
  assert.deepEqual(hierarchies.at(-1)?.options, ['none', 'name=systemd']);
  assert.equal(hierarchies.at(-1)?.name, 'systemd');
});

test('update() writes what is given and nothing else', () => {
  const { files, open } = setUp();
  const cgroup = open('/docker/abc');
  cgroup.create(LIMITS);
  files.log.length = 0;
  assert.deepEqual(cgroup.update({ pids: { limit: -1 } }), {});
  assert.deepEqual(files.log, ['/sys/fs/cgroup/pids/docker/abc/pids.max max']);
});

test('freeze() writes until the kernel says FROZEN, thaws when aborted', async () => {
  let writes = 0;
  const { files, open } = setUp((path, value) => {
    if (value === 'FROZEN' && ++writes < 3) throw new StopAt(path);
  });
  const cgroup = open('/docker/abc');
  cgroup.create({});
  // The first writes leave the state at FREEZING, as a fork in progress does.
  const real = files.write.bind(files);
  files.write = (path, value) => {
    try {
      real(path, value);
    } catch (error) {
      if (!(error instanceof StopAt)) throw error;
      files.set(path, 'FREEZING');
    }
  };
  await cgroup.freeze();
  assert.equal(writes, 3);
  assert.equal(cgroup.state(), 'frozen');
  cgroup.thaw();
  assert.equal(cgroup.state(), 'thawed');
  writes = -1000;
  await assert.rejects(cgroup.freeze(AbortSignal.timeout(20)), { name: 'AbortError' });
  assert.equal(cgroup.state(), 'thawed');
});

class StopAt extends Error {}

test('kill() freezes, signals everybody also in nested cgroups, and thaws, until nobody is left', async () => {
  const { files, open, killed } = setUp();
  const cgroup = open('/docker/abc');
  cgroup.create({});
  files.set(`${ROOT}/freezer/docker/abc/cgroup.procs`, '10\n11');
  files.log.length = 0;
  await cgroup.kill();
  assert.deepEqual(killed, [10, 11]);
  const state = '/sys/fs/cgroup/freezer/docker/abc/freezer.state';
  assert.deepEqual(files.log, [`${state} FROZEN`, `${state} THAWED`]);
  files.mkdir(`${ROOT}/freezer/docker/abc/inner`);
  files.set(`${ROOT}/freezer/docker/abc/inner/cgroup.procs`, '12');
  assert.deepEqual(cgroup.pids(false), []);
  assert.deepEqual(cgroup.pids(true), [12]);
});

test('remove() takes nested folders first, leaves parents, and does not mind what is gone', async () => {
  const { files, open } = setUp();
  const cgroup = open('/docker/abc');
  cgroup.create({});
  files.mkdir(`${ROOT}/memory/docker/abc/inner`);
  files.mkdir(`${ROOT}/memory/docker/abc/inner/deep`);
  files.rmdir(`${ROOT}/pids/docker/abc`);
  files.set(`${ROOT}/freezer/docker/abc/cgroup.procs`, '77');
  setTimeout(() => files.set(`${ROOT}/freezer/docker/abc/cgroup.procs`, ''), 15);
  await cgroup.remove();
  assert.deepEqual(
    [...files.folders.keys()].filter((name) => name.includes('abc')),
    [],
  );
  assert.ok(files.folders.has(`${ROOT}/memory/docker`));
  assert.equal(cgroup.state(), 'gone');
  assert.deepEqual(cgroup.pids(true), []);
});

test('stats() and oomWatch() read the right hierarchies', () => {
  const { open } = setUp();
  const cgroup = open('/docker/abc');
  cgroup.create(LIMITS);
  const stats = cgroup.stats();
  assert.equal(stats.cpu?.usageNs, 5);
  assert.equal(stats.memory?.limitBytes, 64 << 20);
  assert.deepEqual(stats.pids, { current: 0, limit: 50 });
  assert.deepEqual(cgroup.oomWatch(), { path: '/sys/fs/cgroup/memory/docker/abc', kind: 1 });
});
