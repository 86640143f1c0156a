/** What a running container costs beside itself: the memory of its shim, descriptors of the daemon. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { sh } from '../support/containers.ts';
import { useDaemon } from '../support/daemon.ts';
import { pause } from '../support/eventually.ts';
import { processesOf } from '../support/leaks.ts';
import { missing } from '../support/needs.ts';

const LIMIT_KIB = 600;
const CONTAINERS = 40;

describe('the cost of a running container', { skip: missing('root', 'busybox'), timeout: 60_000 }, () => {
  const daemon = useDaemon();
  const { containers, http } = daemon;

  const descriptors = async (): Promise<number> => {
    http.close();
    await pause(100);
    return readdirSync(`/proc/${daemon.pid}/fd`).length;
  };

  /** Private memory of the shims, in KiB. */
  const shims = (): number[] =>
    processesOf(daemon.traces)
      .filter(({ command }) => command.startsWith('skiff-shim'))
      .map(({ pid }) => privateKib(pid));

  test('a shim has less than 0.6 MB of private memory, also while and after it logs and serves clients', async (context) => {
    const body = { Cmd: sh('read x; seq 1 20000; sleep 1000'), OpenStdin: true };
    const ids = await Promise.all(Array.from({ length: CONTAINERS }, () => containers.begin(body)));
    const idle = shims();
    assert.equal(idle.length, CONTAINERS);
    context.diagnostic(`idle: ${Math.max(...idle)} KiB at most, ${median(idle)} in the middle`);
    for (const kib of idle) assert.ok(kib < LIMIT_KIB, `${kib} KiB`);

    const sockets = await Promise.all(ids.map((id) => containers.attach(id)));
    for (const socket of sockets) {
      socket.resume();
      socket.write('go\n');
    }
    await pause(1000);
    for (const socket of sockets) socket.destroy();
    await pause(300);
    const used = shims();
    assert.equal(used.length, CONTAINERS);
    context.diagnostic(`after use: ${Math.max(...used)} KiB at most, ${median(used)} in the middle`);
    for (const kib of used) assert.ok(kib < LIMIT_KIB, `${kib} KiB`);
    await Promise.all(ids.map((id) => containers.remove(id)));
  });

  test('the daemon’s descriptors do not grow with what runs', async () => {
    const before = await descriptors();
    const ids = await Promise.all(
      Array.from({ length: CONTAINERS }, () => containers.begin({ Cmd: ['sleep', '1000'] })),
    );
    const running = await descriptors();
    assert.ok(running - before <= 2, `${before} before, ${running} with ${CONTAINERS} containers`);
    await Promise.all(ids.map((id) => containers.remove(id)));
    const after = await descriptors();
    assert.ok(after <= before, `${before} before, ${after} after`);
  });
});

function privateKib(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return [...text.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB/gm)].reduce((sum, [, kib]) => sum + Number(kib), 0);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
