import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SyscallError } from '#base';
import type { Cgroup } from './cgroup.ts';
import { FakeFiles, type OnWrite } from './fake-files.ts';
import type { CgroupHost } from './host.ts';
import { openCgroup } from './open.ts';

const ROOT = '/sys/fs/cgroup';
const host: CgroupHost = {
  mode: 'v2',
  hierarchies: [],
  unified: { controllers: [], mountPoint: ROOT, root: '/', own: '/system.slice/skiffd.service' },
};
const CORE = {
  'cgroup.procs': '',
  'cgroup.controllers': '',
  'cgroup.subtree_control': '',
  'cgroup.events': 'populated 0\nfrozen 0',
  'cgroup.freeze': '0',
};
const LIMITS: Readonly<Record<string, Record<string, string>>> = {
  memory: {
    'memory.max': 'max',
    'memory.swap.max': 'max',
    'memory.current': '0',
    'memory.stat': 'anon 0',
    'memory.high': 'max',
  },
  pids: { 'pids.max': 'max', 'pids.current': '0' },
  cpu: { 'cpu.max': 'max 100000', 'cpu.weight': '100' },
};

/** A kernel in which a controller's files appear below a folder when its subtree_control is written. */
function setUp(onWrite: OnWrite = () => {}): { files: FakeFiles; open: (path: string) => Cgroup; killed: number[] } {
  const killed: number[] = [];
  const enabledIn = (folder: string): string[] =>
    (files.folders.get(folder)?.get('cgroup.subtree_control') ?? '').split(' ').filter((name) => name !== '');
  const filesFor = (folder: string): Record<string, string> => {
    const enabled = enabledIn(folder.slice(0, folder.lastIndexOf('/')));
    return Object.assign({ ...CORE, 'cgroup.controllers': enabled.join(' ') }, ...enabled.map((name) => LIMITS[name]));
  };
  const files: FakeFiles = new FakeFiles(filesFor, (path, value) => {
    onWrite(path, value);
    if (path.endsWith('/cgroup.freeze')) files.set(path.replace('freeze', 'events'), `populated 1\nfrozen ${value}`);
  });
  const real = files.write.bind(files);
  files.write = (path, value) => {
    if (!path.endsWith('cgroup.subtree_control')) return real(path, value);
    const folder = path.slice(0, path.lastIndexOf('/'));
    const names = value.split(' ').map((name) => name.slice(1));
    const before = enabledIn(folder);
    real(path, value);
    files.set(path, [...new Set([...before, ...names])].join(' '));
    for (const child of files.list(folder)) {
      const own = files.folders.get(`${folder}/${child}`);
      for (const [name, text] of Object.entries(filesFor(`${folder}/${child}`))) {
        if (!own?.has(name) || name === 'cgroup.controllers') own?.set(name, text);
      }
    }
  };
  files.prepare(ROOT, { 'cgroup.controllers': 'cpu memory pids' });
  return { files, open: (path) => openCgroup(path, host, { files, signal: (pid) => void killed.push(pid) }), killed };
}

test('create() makes the folders, hands controllers down level by level, and sets the limits', () => {
  const { files, open } = setUp();
  open('/docker/abc').create({
    memory: { limit: 1000, swap: 3000 },
    pids: { limit: 5 },
    cpu: { quota: 5000 },
    unified: { 'memory.high': '900' },
  });
  assert.deepEqual(files.log, [
    'mkdir /sys/fs/cgroup/docker',
    'mkdir /sys/fs/cgroup/docker/abc',
    '/sys/fs/cgroup/cgroup.subtree_control +cpu +memory +pids',
    '/sys/fs/cgroup/docker/cgroup.subtree_control +cpu +memory +pids',
    '/sys/fs/cgroup/docker/abc/cpu.max 5000 100000',
    '/sys/fs/cgroup/docker/abc/memory.swap.max 2000',
    '/sys/fs/cgroup/docker/abc/memory.max 1000',
    '/sys/fs/cgroup/docker/abc/pids.max 5',
    '/sys/fs/cgroup/docker/abc/memory.high 900',
  ]);
  files.log.length = 0;
  open('/docker/def').create({});
  assert.deepEqual(files.log, ['mkdir /sys/fs/cgroup/docker/def']);
});

test('create() refuses a limit whose controller did not arrive, and takes its folders back', () => {
  const { files, open } = setUp((path, value) => {
    if (value.includes('+memory')) throw new SyscallError('write', 'EBUSY', path);
  });
  assert.throws(
    () => open('/docker/abc').create({ memory: { limit: 1000 } }),
    /memory cgroup controller is not available/,
  );
  assert.deepEqual([...files.folders.keys()], [ROOT]);
  // The other controllers came through one by one.
  open('/docker/abc').create({ pids: { limit: 5 } });
  assert.throws(() => open('/docker/x').create({ unified: { 'rdma.max': '1' } }), /cannot set rdma.max/);
});

test('a relative path starts at the own cgroup', () => {
  const { open } = setUp();
  assert.equal(open('abc').placement({}).folder, '/sys/fs/cgroup/system.slice/skiffd.service/abc');
});

test('placement() gives the folder for CLONE_INTO_CGROUP and the device program', () => {
  const { open } = setUp();
  const { tasks, folder, deviceProgram, hierarchies } = open('/abc').placement({
    devices: [{ allow: true, access: 'rwm' }],
  });
  assert.deepEqual([tasks, folder], [[], '/sys/fs/cgroup/abc']);
  assert.equal(deviceProgram?.folder, folder);
  assert.ok((deviceProgram?.program.length ?? 0) % 8 === 0);
  assert.deepEqual(hierarchies, [{ version: 2, name: '', options: [], folder: '/sys/fs/cgroup/abc' }]);
  assert.equal(open('/abc').placement({}).deviceProgram, undefined);
});

test('update() gives back a device program that replaces the old one', () => {
  const { files, open } = setUp();
  const cgroup = open('/abc');
  cgroup.create({});
  files.log.length = 0;
  const { deviceProgram } = cgroup.update({ pids: { limit: 7 }, devices: [{ allow: false, access: 'rwm' }] });
  assert.deepEqual(files.log, ['/sys/fs/cgroup/abc/pids.max 7']);
  assert.equal(deviceProgram?.folder, '/sys/fs/cgroup/abc');
});

test('freeze(), state() and thaw()', async () => {
  const { open } = setUp();
  const cgroup = open('/abc');
  assert.equal(cgroup.state(), 'gone');
  await assert.rejects(cgroup.freeze(), { code: 'cgroup.gone' });
  cgroup.create({});
  assert.equal(cgroup.state(), 'thawed');
  await cgroup.freeze();
  assert.equal(cgroup.state(), 'frozen');
  cgroup.thaw();
  assert.equal(cgroup.state(), 'thawed');
});

test('kill() leaves it to the kernel where there is cgroup.kill, and signals otherwise', async () => {
  const { files, open, killed } = setUp((path) => {
    if (path.endsWith('cgroup.kill')) files.set(path.replace('kill', 'procs'), '');
  });
  const cgroup = open('/abc');
  cgroup.create({});
  files.set(`${ROOT}/abc/cgroup.procs`, '5\n6');
  setTimeout(() => files.set(`${ROOT}/abc/cgroup.procs`, ''), 10);
  await cgroup.kill();
  assert.deepEqual([...new Set(killed)], [5, 6]);
  killed.length = 0;
  files.folders.get(`${ROOT}/abc`)?.set('cgroup.kill', '');
  files.set(`${ROOT}/abc/cgroup.procs`, '5\n6');
  await cgroup.kill();
  assert.deepEqual(killed, []);
  assert.deepEqual(cgroup.pids(true), []);
});

test('remove() and stats()', async () => {
  const { files, open } = setUp();
  const cgroup = open('/docker/abc');
  cgroup.create({ pids: { limit: 5 } });
  assert.deepEqual(cgroup.stats().pids, { current: 0, limit: 5 });
  assert.deepEqual(cgroup.oomWatch(), { path: '/sys/fs/cgroup/docker/abc', kind: 2 });
  files.mkdir(`${ROOT}/docker/abc/init`);
  await cgroup.remove();
  assert.deepEqual([...files.folders.keys()], [ROOT, `${ROOT}/docker`]);
});
