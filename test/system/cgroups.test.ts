/**
 * Real cgroups on this machine: limits, a process inside, statistics, freezing, killing, removing.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cgroup, cgroupFeatures, detectCgroups, openCgroup, readCgroupHost } from '#linux';
import { testCgroup } from '../support/leaks.ts';

/** Why this cannot run here, or false. */
function reasonToSkip(): string | false {
  if (process.getuid?.() !== 0) return 'needs root';
  try {
    detectCgroups(readFileSync('/proc/self/mountinfo', 'utf8'), readFileSync('/proc/self/cgroup', 'utf8'));
  } catch {
    return 'needs a mounted cgroup file system';
  }
  return readCgroupHost().mode === 'v2' ? 'places processes the way of v1; v2 is tested in a virtual machine' : false;
}

const skip = reasonToSkip();
const options = { skip, timeout: 30_000 };
const parent = `/${testCgroup(String(process.pid))}`;
const opened: Cgroup[] = [];

after(async () => {
  if (skip !== false) return;
  for (const cgroup of opened) {
    await cgroup.kill();
    await cgroup.remove();
  }
  await openCgroup(parent).remove();
});

function open(name: string): Cgroup {
  const cgroup = openCgroup(`${parent}/${name}`);
  opened.push(cgroup);
  return cgroup;
}

/** A shell that puts itself into the cgroup as a container's first process does, then runs the script. */
function spawnIn(cgroup: Cgroup, script: string): ChildProcess {
  const joins = cgroup.placement({}).tasks.map((tasks) => `echo 0 > '${tasks}'`);
  return spawn('/bin/sh', ['-c', ['set -e', ...joins, script].join('\n')], { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function output(child: ChildProcess): Promise<string> {
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await once(child, 'close');
  return text;
}

test('a cgroup enforces its limits, counts, freezes, kills and goes away without a trace', options, async () => {
  const cgroup = open('limits');
  cgroup.create({
    memory: { limit: 32 << 20, ...(cgroupFeatures(readCgroupHost()).swap && { swap: 32 << 20 }) },
    cpu: { shares: 512, quota: 50_000, period: 100_000, cpus: '0', mems: '0' },
    pids: { limit: 8 },
  });
  const child = spawnIn(cgroup, 'grep -h Cpus_allowed_list /proc/self/status; echo ready; exec sleep 100');
  const lines = await new Promise<string>((resolve) => {
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('ready')) resolve(text);
    });
  });
  assert.match(lines, /Cpus_allowed_list:\s+0\n/);
  assert.deepEqual(cgroup.pids(true), [child.pid]);

  const stats = cgroup.stats();
  assert.equal(stats.memory?.limitBytes, 32 << 20);
  assert.ok((stats.memory?.usageBytes ?? 0) > 0);
  assert.deepEqual(stats.pids, { current: 1, limit: 8 });
  assert.ok((stats.cpu?.usageNs ?? 0) > 0);

  await cgroup.freeze();
  assert.equal(cgroup.state(), 'frozen');
  await sleep(10);
  assert.match(readFileSync(`/proc/${child.pid}/status`, 'utf8'), /State:\s+D/);
  // Killing a frozen cgroup is what `rm -f` of a paused container does.
  const closed = once(child, 'close');
  await cgroup.kill();
  assert.deepEqual((await closed)[1], 'SIGKILL');
  assert.deepEqual(cgroup.pids(true), []);

  await cgroup.remove();
  assert.equal(cgroup.state(), 'gone');
  for (const { folder } of cgroup.placement({}).hierarchies) assert.ok(!existsSync(folder), folder);
});

test('a fork bomb meets the pids limit, and kill() ends all of its children', options, async () => {
  const cgroup = open('bomb');
  cgroup.create({ pids: { limit: 20 } });
  // The shell gives up at the first fork that fails; its children stay.
  const child = spawnIn(cgroup, 'while :; do sleep 100 & done 2>/dev/null');
  for (let turn = 0; turn < 200 && cgroup.pids(true).length < 15; turn++) await sleep(10);
  const current = cgroup.stats().pids?.current ?? 0;
  assert.ok(current >= 15 && current <= 20, `${current} tasks`);
  await cgroup.kill();
  assert.deepEqual(cgroup.pids(true), []);
  child.kill('SIGKILL');
});

test('a process beyond its memory limit is killed and counted', options, async () => {
  const cgroup = open('oom');
  cgroup.create({ memory: { limit: 16 << 20, ...(cgroupFeatures(readCgroupHost()).swap && { swap: 32 << 20 }) } });
  const child = spawnIn(cgroup, "text=$(tr '\\0' x < /dev/zero | head -c 200000000)");
  const [, signal] = (await once(child, 'close')) as [number | null, string | null];
  assert.equal(signal, 'SIGKILL');
  const { memory } = cgroup.stats();
  assert.equal(memory?.oomKills, 1);
  assert.ok((memory?.failures ?? 0) > 0);
  assert.equal(cgroup.oomWatch().kind, 1);
});

test('update() raises and lowers limits of a running cgroup in an order the kernel takes', options, async () => {
  const cgroup = open('update');
  const { swap } = cgroupFeatures(readCgroupHost());
  const limits = (megabytes: number) => ({
    memory: { limit: megabytes << 20, ...(swap && { swap: (megabytes + 8) << 20 }) },
    cpu: { period: megabytes * 1000, quota: megabytes * 500 },
  });
  cgroup.create(limits(32));
  for (const megabytes of [64, 16, 100]) {
    cgroup.update(limits(megabytes));
    assert.equal(cgroup.stats().memory?.limitBytes, megabytes << 20);
  }
  assert.throws(() => cgroup.update({ cpu: { quota: 3 } }), /cpu.cfs_quota_us: the kernel does not take this value/);
});

test('device rules hold, and an update changes only what it must', options, async () => {
  const cgroup = open('devices');
  const rule = (minor: number, access = 'rwm') => ({ allow: true, type: 'c', major: 1, minor, access });
  cgroup.create({ devices: [{ allow: false, access: 'rwm' }, rule(3), rule(5, 'r')] });
  const probe = 'cat /dev/null && echo null; head -c1 /dev/zero >/dev/null && echo zero; head -c1 /dev/full >/dev/null';
  assert.equal(
    await output(spawnIn(cgroup, `(${probe}) 2>&1 | sed 's/.*full.*/refused/' || true`)),
    'null\nzero\nrefused\n',
  );
  cgroup.update({ devices: [{ allow: false, access: 'rwm' }, rule(3), rule(7)] });
  const { folder } = cgroup.placement({}).hierarchies.find(({ name }) => name === 'devices') ?? { folder: '' };
  assert.deepEqual(readFileSync(`${folder}/devices.list`, 'utf8').trim().split('\n').sort(), [
    'c 1:3 rwm',
    'c 1:7 rwm',
  ]);
});

test('create() fails as a whole: nothing stays when one limit is refused', options, () => {
  const cgroup = openCgroup(`${parent}/refused/inner`);
  assert.throws(() => cgroup.create({ cpu: { cpus: '4000' } }), /cpuset.cpus/);
  for (const { folder } of openCgroup(`${parent}/refused`).placement({}).hierarchies)
    assert.ok(!existsSync(folder), folder);
});

const unified = skip === false ? readCgroupHost().unified : undefined;
const onUnified = { ...options, skip: skip || (unified === undefined && 'needs a cgroup2 mount') };

test(
  'on the v2 hierarchy a cgroup freezes, is killed at once and goes away, nested ones with it',
  onUnified,
  async () => {
    assert.ok(unified);
    const cgroup = openCgroup(`${parent}-unified/inner`, { mode: 'v2', hierarchies: [], unified });
    cgroup.create({});
    try {
      const folder = cgroup.placement({}).folder ?? '';
      const child = spawn('/bin/sh', [
        '-c',
        `mkdir ${folder}/nested; echo 0 > ${folder}/nested/cgroup.procs; sleep 100 & sleep 100`,
      ]);
      for (let turn = 0; turn < 200 && cgroup.pids(true).length < 3; turn++) await sleep(10);
      assert.equal(cgroup.pids(true).length, 3);
      assert.deepEqual(cgroup.pids(false), []);
      await cgroup.freeze();
      assert.equal(cgroup.state(), 'frozen');
      const closed = once(child, 'close');
      await cgroup.kill();
      assert.equal((await closed)[1], 'SIGKILL');
      // Controllers are on v1 here, so nothing would enforce a limit.
      assert.throws(() => cgroup.update({ pids: { limit: 5 } }), { code: 'cgroup.noController' });
      assert.ok((cgroup.stats().cpu?.usageNs ?? 0) > 0);
    } finally {
      await cgroup.remove();
      await openCgroup(`${parent}-unified`, { mode: 'v2', hierarchies: [], unified }).remove();
    }
    assert.equal(cgroup.state(), 'gone');
  },
);
