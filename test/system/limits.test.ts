/** Limits hold: memory, CPU, processes, disk; they can be changed while a container runs; pause stops it. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { describe, test } from 'node:test';
import { sh } from '../support/containers.ts';
import { useDaemon } from '../support/daemon.ts';
import { eventually, pause } from '../support/eventually.ts';
import { missing } from '../support/needs.ts';

const MIB = 1024 * 1024;
const needs = missing('root', 'busybox', 'cc', 'cgroup:memory', 'cgroup:cpu', 'cgroup:pids');

describe('limits', { skip: needs, timeout: 120_000 }, () => {
  const daemon = useDaemon();
  const { containers, http } = daemon;

  /** Milliseconds of CPU that a program which wants all of one got within so many milliseconds. */
  const burned = (text: string): number => Number(text.trim());

  /** Too little may be the machine's doing, and is measured again; too much never is. */
  const assertGot = async (measure: () => Promise<number>, wanted: number, share: number, what: string) => {
    const values: number[] = [];
    do values.push(await measure());
    while (values.at(-1)! < wanted * (1 - share) && values.length < 3);
    assert.ok(
      Math.abs(values.at(-1)! - wanted) <= wanted * share,
      `${what}: ${values.join(' ')}, not ${wanted} ± ${share * 100} %`,
    );
  };

  test('too much memory kills who took it, and says so', async () => {
    const since = Math.floor(Date.now() / 1000) - 1;
    const HostConfig = { Memory: 32 * MIB, MemorySwap: 32 * MIB };
    const main = await containers.begin({ Cmd: ['probe', 'eat', '100'], HostConfig });
    assert.equal(await containers.wait(main), 137);
    assert.equal((await containers.inspect(main)).State.OOMKilled, true);

    const child = await containers.begin({ Cmd: sh('probe eat 10; probe eat 100; echo $?; exit 4'), HostConfig });
    assert.equal(await containers.wait(child), 4, 'only the program that took it was killed');
    assert.match((await containers.logs(child)).stdout, /^ok\n137\n$/);
    assert.equal((await containers.inspect(child)).State.OOMKilled, true);

    const alive = await containers.begin({ Cmd: sh('probe eat 100; sleep 100'), HostConfig });
    await eventually('it is told of while it runs', async () => {
      const { Running, OOMKilled } = (await containers.inspect(alive)).State;
      return Running && OOMKilled;
    });

    const modest = await containers.begin({ Cmd: ['probe', 'eat', '10'], HostConfig });
    assert.equal(await containers.wait(modest), 0);
    assert.equal((await containers.inspect(modest)).State.OOMKilled, false);

    const killed = await containers.begin({ Cmd: ['sleep', '100'], HostConfig });
    await containers.kill(killed);
    assert.equal((await containers.inspect(killed)).State.OOMKilled, false, 'a kill is not an OOM kill');

    const events = (await http.call('GET', `/events?since=${since}&until=${Math.ceil(Date.now() / 1000) - 0.001}`))
      .text;
    const ids = events
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { Action: string; Actor: { ID: string } })
      .filter(({ Action }) => Action === 'oom')
      .map(({ Actor }) => Actor.ID);
    assert.deepEqual([...new Set(ids)].sort(), [main, child, alive].sort());
    for (const id of [main, child, alive, modest, killed]) await containers.remove(id);
  });

  test('half a CPU is half a CPU, however it is said', async () => {
    const got = async (HostConfig: Record<string, unknown>, ...Cmd: string[]): Promise<number> => {
      const { stdout } = await containers.run({ Cmd, HostConfig });
      return stdout
        .trim()
        .split('\n')
        .reduce((sum, ms) => sum + burned(ms), 0);
    };
    for (const HostConfig of [{ NanoCpus: 5e8 }, { CpuQuota: 20_000, CpuPeriod: 40_000 }]) {
      await assertGot(() => got(HostConfig, 'probe', 'burn', '2000'), 1000, 0.1, JSON.stringify(HostConfig));
    }
    const both = sh('probe burn 2000 & probe burn 2000; wait');
    await assertGot(() => got({ NanoCpus: 5e8 }, ...both), 1000, 0.15, 'two programs together');
  });

  test('shares and cpusets arrive in the kernel', async () => {
    const { stdout } = await containers.run({
      Cmd: sh('grep Cpus_allowed_list /proc/self/status; nproc'),
      HostConfig: { CpusetCpus: '0' },
    });
    assert.match(stdout, /Cpus_allowed_list:\s+0\n1\n$/);
  });

  test('a fork bomb is stopped by the limit of processes', async () => {
    const { stdout } = await containers.run({
      Cmd: ['probe', 'fork', '100'],
      HostConfig: { PidsLimit: 20, Init: true },
    });
    const [made, why] = stdout.trim().split(' ');
    assert.equal(why, 'EAGAIN');
    assert.ok(Number(made) >= 10 && Number(made) < 20, `${made} processes`);
    const free = await containers.run({ Cmd: ['probe', 'fork', '100'], HostConfig: { Init: true } });
    assert.match(free.stdout, /^100 ok/);
  });

  test('writing to the disk keeps to its rate', async (context) => {
    const device = deviceOf(daemon.folder);
    if (device === undefined) return context.skip(`${daemon.folder} is on no block device`);
    const writing = async (HostConfig: Record<string, unknown>): Promise<number> => {
      const { stdout } = await containers.run({ Cmd: ['probe', 'write', '/file', '8'], HostConfig });
      assert.match(stdout, /^\d+\n$/);
      return Number(stdout);
    };
    const free = await writing({});
    if (free > 1000) return context.skip(`the disk itself needs ${free} ms for 8 MiB`);
    const limited = await writing({ BlkioDeviceWriteBps: [{ Path: device, Rate: 4 * MIB }] });
    assert.ok(limited > 1500 && limited < 3500, `8 MiB at 4 MiB/s took ${limited} ms, without limit ${free} ms`);
  });

  test('limits of a running container change', async () => {
    const id = await containers.begin({
      // Asks for no memory itself: one that does while the kernel ends another for want of it is ended, too.
      Cmd: ['sleep', '1000'],
      HostConfig: { Memory: 32 * MIB, MemorySwap: 32 * MIB, PidsLimit: 30, NanoCpus: 1e9 },
    });
    const exec = async (...Cmd: string[]): Promise<string> => (await containers.exec(id, { Cmd })).stdout.trim();
    assert.equal((await containers.exec(id, { Cmd: ['probe', 'eat', '60'] })).code, 137);
    await http.call('POST', `/containers/${id}/update`, { Memory: 128 * MIB, MemorySwap: 128 * MIB });
    assert.equal(await exec('probe', 'eat', '60'), 'ok');
    assert.equal((await containers.inspect(id)).HostConfig['Memory'], 128 * MIB);
    assert.equal(await exec('probe', 'fork', '20'), '20 ok');
    await http.call('POST', `/containers/${id}/update`, { PidsLimit: 10 });
    assert.match(await exec('probe', 'fork', '20'), /EAGAIN$/);
    await http.call('POST', `/containers/${id}/update`, { NanoCpus: 25e7 });
    await assertGot(async () => burned(await exec('probe', 'burn', '2000')), 500, 0.15, 'a quarter of a CPU');
    // Lowered again: memory first, then the sum with swap, in whatever order the kernel takes them.
    await http.call('POST', `/containers/${id}/update`, { Memory: 24 * MIB, MemorySwap: 24 * MIB });
    assert.equal((await containers.exec(id, { Cmd: ['probe', 'eat', '40'] })).code, 137);
    const refused = await http.send('POST', `/containers/${id}/update`, { Memory: 1024 });
    assert.equal(refused.status, 400, refused.text);
    await containers.remove(id);
  });

  test('a weight no scheduler goes by is discarded with Docker’s warning, a real-time share refused by the kernel', async (t) => {
    if (!existsSync('/dev/loop0') || !readFileSync('/sys/block/loop0/queue/scheduler', 'utf8').includes('[none]')) {
      return t.skip('needs a loop device without a scheduler');
    }
    const BlkioWeightDevice = [{ Path: '/dev/loop0', Weight: 100 }];
    const made = await http.call('POST', '/containers/create', {
      ...{ Image: 'busybox', Cmd: ['sleep', '100'], HostConfig: { BlkioWeightDevice } },
    });
    const { Id, Warnings } = made.json<{ Id: string; Warnings: string[] }>();
    containers.made.push(Id);
    assert.match(
      Warnings.join(),
      /^Your kernel does not support Block I\/O weight_device .* Weight-device discarded\.$/,
    );
    await containers.start(Id);
    assert.deepEqual((await containers.inspect(Id)).HostConfig['BlkioWeightDevice'], []);
    const updated = await http.call('POST', `/containers/${Id}/update`, { BlkioWeightDevice });
    assert.deepEqual(updated.json<{ Warnings: string[] }>().Warnings, Warnings);
    await containers.remove(Id);
    const realTime = { CpuRealtimePeriod: 1_000_000, CpuRealtimeRuntime: 1000 };
    const id = await containers.create({ Cmd: ['true'], HostConfig: realTime });
    assert.match((await http.send('POST', `/containers/${id}/start`)).text, /cpu\.rt_runtime_us|a real-time share/);
    await containers.remove(id);
    const more = { Image: 'busybox', HostConfig: { ...realTime, CpuRealtimePeriod: 10 } };
    const { status, text } = await http.send('POST', '/containers/create', more);
    assert.deepEqual([status, /runtime cannot be higher than/.test(text)], [400, true]);
  });

  test('changed limits hold after a restart of the container', async () => {
    const id = await containers.begin({ Cmd: ['probe', 'fork', '40'], HostConfig: { PidsLimit: 60, Init: true } });
    await containers.wait(id);
    await http.call('POST', `/containers/${id}/update`, { PidsLimit: 10 });
    await containers.start(id);
    await containers.wait(id);
    assert.match((await containers.logs(id)).stdout, /^40 ok\n\d EAGAIN\n$/);
    await containers.remove(id);
  });

  test('a paused container makes no progress, and goes on where it was', async () => {
    const id = await containers.begin({ Cmd: sh('i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done') });
    const last = async (): Promise<number> => Number((await containers.logs(id)).stdout.trim().split('\n').at(-1));
    await eventually('it counts', async () => (await last()) > 3);
    await http.call('POST', `/containers/${id}/pause`);
    await pause(50);
    const stopped = await last();
    const { Pid } = (await containers.inspect(id)).State;
    const ticks = cpuTicks(Pid);
    await pause(400);
    assert.equal(await last(), stopped);
    assert.equal(cpuTicks(Pid), ticks);
    assert.equal((await containers.inspect(id)).State.Status, 'paused');
    for (const [method, path] of [
      ['POST', `/containers/${id}/pause`],
      ['POST', `/containers/${id}/exec`],
      ['DELETE', `/containers/${id}`],
    ] as const) {
      assert.equal((await http.send(method, path, { Cmd: ['true'] })).status, 409, `${method} ${path}`);
    }
    await http.call('POST', `/containers/${id}/unpause`);
    await eventually('it goes on', async () => (await last()) > stopped + 3);
    const lines = (await containers.logs(id)).stdout.trim().split('\n');
    assert.deepEqual(
      lines,
      lines.map((_, index) => String(index + 1)),
    );
    await http.call('POST', `/containers/${id}/pause`);
    await containers.stop(id, 0);
    assert.equal((await containers.inspect(id)).State.Status, 'exited', 'a paused container can be stopped');
    await containers.start(id);
    await http.call('POST', `/containers/${id}/pause`);
    await containers.remove(id);
  });
});

/** Whole device on which the folder is, as /dev/NAME; undefined where the file system has none. */
function deviceOf(folder: string): string | undefined {
  const { dev } = statSync(folder);
  const [major, minor] = [(dev >> 8) & 0xfff, (dev & 0xff) | ((dev >> 12) & 0xfff00)];
  const uevent = `/sys/dev/block/${major}:${minor}/uevent`;
  if (!existsSync(uevent)) return undefined;
  const text = readFileSync(uevent, 'utf8');
  return /DEVTYPE=disk/.test(text) ? `/dev/${/DEVNAME=(\S+)/.exec(text)![1]}` : undefined;
}

function cpuTicks(pid: number): string {
  return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ').slice(11, 13).join(' ');
}
