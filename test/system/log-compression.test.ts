/**
 * Old log files are compressed while daemon and shim are killed, and while the disk fills up: no line is lost or doubled, and
 * nothing half-written stays. SKIFF_LOG_KILLS sets the number of kills.
 */
import assert from 'node:assert/strict';
import { globSync, readdirSync, statfsSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { describe, test } from 'node:test';
import { sh } from '../support/containers.ts';
import { Daemon } from '../support/daemon.ts';
import { eventually, pause } from '../support/eventually.ts';
import { processesOf } from '../support/leaks.ts';
import { missing } from '../support/needs.ts';

const KILLS = Number(process.env['SKIFF_LOG_KILLS'] ?? 3);
const MIB = 1024 * 1024;

/** `RUN NUMBER BYTES`, some hundred lines at a time; the bytes make compressing take its time. */
const WRITER = sh(
  'run=$(cat /run-number 2>/dev/null || echo 0); echo $((run + 1)) > /run-number; at=0; ' +
    "while :; do head -c 12000 /dev/urandom | base64 | awk -v r=$run -v a=$at '{print r, a + NR, $0}'; " +
    'at=$((at + 211)); sleep 0.02; done',
);

/** Every run's lines from its first on, and what is wrong with them. */
function runsIn(log: string): Map<number, number> {
  const runs = new Map<number, number>();
  for (const line of log.split('\n').slice(0, -1)) {
    const match = /^(\d+) (\d+) [A-Za-z0-9+/=]+$/.exec(line);
    assert.ok(match, `'${line}' is a whole line`);
    const [run, number] = [Number(match[1]), Number(match[2])];
    assert.equal(number, (runs.get(run) ?? 0) + 1, `line ${number} of run ${run} comes after ${runs.get(run)}`);
    runs.set(run, number);
  }
  return runs;
}

describe('compression of old logs', { skip: missing('root', 'busybox'), timeout: 120_000 + KILLS * 5000 }, () => {
  test(`${KILLS} kills of daemon, shim and both within it: all lines are there, once, in order`, async (context) => {
    await using daemon = new Daemon();
    const { containers } = daemon;
    await daemon.start();
    await daemon.import();
    const LogConfig = { Type: 'json-file', Config: { 'max-size': '200k', 'max-file': '2000', compress: 'true' } };
    const id = await containers.begin({ Cmd: WRITER, HostConfig: { LogConfig } });
    const path = `${daemon.dataRoot}/containers/${id}/${id}-json.log`;
    const halves = (): string[] =>
      readdirSync(dirname(path)).filter((name) => name.startsWith(`${basename(path)}.gz-`));
    const found = { within: 0, halves: 0, twins: 0 };
    for (let round = 0; round < KILLS; round++) {
      const before = (await containers.inspect(id)).State;
      assert.equal(before.Status, 'running');
      const shim = processesOf(daemon.traces).find(({ command }) => command === `skiff-shim ${id}`)!.pid;
      // Without leaving the turn: it takes a few milliseconds.
      for (const end = Date.now() + 5000; halves().length === 0 && Date.now() < end; ) {
        if (round % 2 === 0) await pause(0);
      }
      if (halves().length > 0) found.within += 1;
      await pause(Math.floor(Math.random() * 8));
      const kind = round % 3;
      if (kind > 0) process.kill(shim, 'SIGKILL');
      if (kind !== 1) await daemon.end('SIGKILL');
      found.halves += halves().length > 0 ? 1 : 0;
      found.twins += globSync(`${path}.*[0-9]`).some((name) => globSync(`${name}.gz`).length > 0) ? 1 : 0;
      if (kind !== 1) await daemon.start();
      if (kind === 0) assert.equal((await containers.inspect(id)).State.Pid, before.Pid, 'it has gone on');
      else await containers.wait(id);
      if (kind > 0) await containers.start(id);
    }
    const lastRun = Array.from({ length: KILLS }, (_, round) => round % 3).filter((kind) => kind > 0).length;
    await eventually('the last run writes', async () =>
      (await containers.logs(id, 'stdout=1&tail=1')).stdout.startsWith(`${lastRun} `),
    );
    await containers.stop(id, 0);
    const left = (): string[] => globSync(`${path}.*[0-9]`);
    await eventually('all are compressed', () => left().length === 0 && halves().length === 0, 20_000).catch(() =>
      assert.deepEqual([left(), halves()], [[], []]),
    );
    const runs = runsIn((await containers.logs(id)).stdout);
    const files = globSync(`${path}*`).length;
    context.diagnostic(`${JSON.stringify(found)}; ${runs.size} runs, ${files} files`);
    assert.ok(runs.has(0) && runs.has(lastRun));
    assert.ok(files > KILLS);
  });

  test('a disk that fills up: compressing takes no room from lines; what is lost is counted', async (context) => {
    await using daemon = new Daemon([], '64m');
    const { containers } = daemon;
    await daemon.start();
    await daemon.import();
    const LogConfig = { Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '40', compress: 'true' } };
    const id = await containers.begin({ Cmd: WRITER, HostConfig: { LogConfig } });
    const root = `/proc/${daemon.pid}/root${daemon.dataRoot}`;
    const path = `${root}/containers/${id}/${id}-json.log`;
    const names = (): string[] => readdirSync(dirname(path)).map((name) => name.slice(basename(path).length));
    const compressed = (): number => names().filter((name) => name.endsWith('.gz')).length;
    const plain = (): number => names().filter((name) => /\.\d+$/.test(name)).length;
    const freeBytes = (): number => (({ bavail, bsize }) => bavail * bsize)(statfsSync(root));
    const looked = (): number => daemon.output.split('old log files stay as they are').length - 1;
    await eventually('one is compressed', () => compressed() >= 1, 20_000);
    writeFileSync(`${root}/filler`, Buffer.alloc(freeBytes() - 5 * MIB));
    const before = compressed();
    await eventually('two find no room', () => looked() >= 2, 20_000);
    assert.match(daemon.output, /not compressed while less than 16 MiB are free/);
    runsIn((await containers.logs(id)).stdout);
    assert.deepEqual([compressed() <= before + 1, plain() >= 2], [true, true], names().join(' '));
    await eventually('the disk is full', () => freeBytes() < 4096, 20_000);
    await pause(300);
    assert.equal((await containers.inspect(id)).State.Status, 'running');
    truncateSync(`${root}/filler`, 0);
    await eventually('it is made up for', () => plain() === 0 && compressed() > before + 3, 20_000);
    await containers.stop(id, 0);
    const { stdout, stderr } = await containers.logs(id);
    const numbers = stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => Number(line.split(' ')[1]));
    const gaps = numbers.reduce((sum, number, at) => sum + number - (numbers[at - 1] ?? 0) - 1, 0);
    const told = [...stderr.matchAll(/^skiff: (\d+) lines of this log were lost: No space left on device$/gm)];
    const lost = told.reduce((sum, [, count]) => sum + Number(count), 0);
    context.diagnostic(`${numbers.at(-1)} lines, ${lost} lost and told of in ${told.length}`);
    assert.equal(gaps, lost, 'no line is missing that is not counted');
    assert.ok(lost > 0);
    assert.deepEqual(
      numbers,
      numbers.toSorted((a, b) => a - b),
    );
    assert.equal(new Set(numbers).size, numbers.length, 'none is there twice');
    assert.deepEqual(
      names().filter((name) => name.startsWith('.gz-')),
      [],
    );
  });
});
