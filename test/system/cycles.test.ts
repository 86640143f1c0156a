/** Containers come and go by the hundred (SKIFF_CYCLES sets how many): the machine is afterwards as it was before. */
import assert from 'node:assert/strict';
import { globSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { describe, test } from 'node:test';
import { sh } from '../support/containers.ts';
import { type Daemon, useDaemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { cgroupsOf, mountsOf, processesOf } from '../support/leaks.ts';
import { missing } from '../support/needs.ts';

const CYCLES = Number(process.env['SKIFF_CYCLES'] ?? 300);
const CLIENTS = 4;

describe('cycles', { skip: missing('root', 'busybox'), timeout: 60_000 + CYCLES * 100 }, () => {
  const daemon = useDaemon();
  const { containers } = daemon;

  const oneLife = async (number: number): Promise<void> => {
    const code = number % 100;
    // Every tenth is attached, so that those paths take part.
    if (number % 10 === 0) {
      const { code: ended, stdout } = await containers.run({ Cmd: sh(`echo ${number}; exit ${code}`) });
      assert.deepEqual([ended, stdout], [code, `${number}\n`]);
      return;
    }
    const id = await containers.create({ Cmd: sh(`exit ${code}`) });
    const ended = containers.wait(id, 'next-exit');
    await containers.start(id);
    assert.equal(await ended, code);
    await containers.remove(id);
    containers.made.pop();
  };

  test(`${CYCLES} lives of containers leave no process, mount, cgroup, namespace, file or descriptor`, async (context) => {
    // The first ones fill caches and open what stays open.
    for (let number = 0; number < 20; number++) await oneLife(number);
    const before = await settled(daemon);
    const rssBefore = residentKib(daemon.pid);
    const began = performance.now();
    let next = 0;
    const client = async (): Promise<void> => {
      while (next < CYCLES) await oneLife(next++);
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    const seconds = (performance.now() - began) / 1000;
    const rate = (CYCLES / seconds).toFixed(1);
    context.diagnostic(`${CYCLES} cycles in ${seconds.toFixed(1)} s, ${rate} per second with ${CLIENTS} clients`);
    context.diagnostic(`daemon: ${rssBefore} KiB resident before, ${residentKib(daemon.pid)} KiB after`);
    let after = traces(daemon);
    await eventually('all is as before', async () => {
      after = await settled(daemon);
      return JSON.stringify(after) === JSON.stringify(before);
    }).catch(() => assert.deepEqual(after, before));
  });

  test('fifty containers at once, started, listed and removed together', async () => {
    const ids = await Promise.all(Array.from({ length: 50 }, () => containers.begin({ Cmd: ['sleep', '1000'] })));
    const running = (await containers.list()).filter(({ State }) => State === 'running');
    assert.equal(running.length, 50);
    assert.equal(new Set(running.map(({ Id }) => Id)).size, 50);
    await Promise.all(ids.map((id) => containers.remove(id)));
    assert.deepEqual(await containers.list(), []);
  });
});

/** Everything countable that belongs to the daemon. */
function traces(daemon: Daemon): Record<string, unknown> {
  const processes = processesOf(daemon.traces);
  const pids = processes.map(({ pid }) => pid);
  const files = globSync([
    `${daemon.folder}/data/*`,
    `${daemon.folder}/data/{containers,layers}/*`,
    `${daemon.execRoot}/**`,
  ]);
  return {
    processes: processes.length,
    mounts: mountsOf(daemon.traces),
    hostMounts: readFileSync('/proc/1/mountinfo', 'utf8').split('\n').length,
    cgroups: cgroupsOf(daemon.traces),
    namespaces: new Set(pids.flatMap(namespacesOf)).size,
    descriptors: pids.map((pid) => readdirSync(`/proc/${pid}/fd`).length),
    // Those of SQLite's journal come and go with its transactions.
    files: files.filter((path) => !/-(wal|shm|journal)$/.test(path)).sort(),
  };
}

async function settled(daemon: Daemon): Promise<Record<string, unknown>> {
  daemon.http.close();
  // A shim stays until the next full second, at least a fifth of one, after its container's end.
  await new Promise((done) => setTimeout(done, 1500));
  return traces(daemon);
}

/** Those a process is in, and those it keeps open. */
function namespacesOf(pid: number): string[] {
  const links = globSync([`/proc/${pid}/ns/*`, `/proc/${pid}/fd/*`]).flatMap((path) => {
    try {
      return [readlinkSync(path)];
    } catch {
      return [];
    }
  });
  return links.filter((link) => /^\w+:\[\d+\]$/.test(link) && !/^(socket|pipe):/.test(link));
}

function residentKib(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]);
}
