/**
 * The daemon goes and comes back, killed or stopped: containers, logs, exit codes and records are as if it had stayed.
 * SKIFF_KILLS sets how often it is killed at some moment of create, start and remove.
 */
import assert from 'node:assert/strict';
import { globSync, mkdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { sh } from '../support/containers.ts';
import { Daemon } from '../support/daemon.ts';
import { eventually, pause } from '../support/eventually.ts';
import { collect } from '../support/http.ts';
import { cgroupsOf, filesOf, processesOf } from '../support/leaks.ts';
import { missing } from '../support/needs.ts';

const KILLS = Number(process.env['SKIFF_KILLS'] ?? 20);

/** Numbered lines as fast as a container of many may. */
const COUNTER = 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done';

describe('restart of the daemon', { skip: missing('root', 'busybox'), timeout: 240_000 }, () => {
  test('a killed daemon stops nobody, and a new one knows all: states, logs, exit codes, exec, stop', async () => {
    await using daemon = new Daemon();
    const { containers, http } = daemon;
    await daemon.start();
    await daemon.import();
    const bodies = [
      ...Array.from({ length: 40 }, () => ({ Cmd: sh(COUNTER) })),
      // These end while the daemon is away.
      ...Array.from({ length: 9 }, (_, index) => ({ Cmd: sh(`sleep 1.5; echo end; exit ${index + 1}`) })),
      { Cmd: sh('sleep 1.5; kill -9 $$'), HostConfig: { Init: true } },
    ];
    const ids = await Promise.all(bodies.map((body) => containers.begin(body)));
    const counters = ids.slice(0, 40);
    const ending = ids.slice(40);
    const paused = counters[39]!;
    const vanishing = await containers.begin({ Cmd: ['sleep', '1'], HostConfig: { AutoRemove: true } });
    await http.call('POST', `/containers/${paused}/pause`);
    const execId = await containers.createExec(counters[0]!, { Cmd: ['sleep', '1000'] });
    await http.call('POST', `/exec/${execId}/start`, { Detach: true });
    const pids = await Promise.all(counters.map(async (id) => (await containers.inspect(id)).State.Pid));

    await daemon.end('SIGKILL');
    await pause(2000);
    for (const pid of pids) assert.doesNotThrow(() => process.kill(pid, 0), `container process ${pid} goes on`);
    await daemon.start();

    for (const [index, id] of counters.entries()) {
      const { State } = await containers.inspect(id);
      assert.equal(State.Status, id === paused ? 'paused' : 'running');
      assert.equal(State.Pid, pids[index]);
    }
    for (const [index, id] of ending.entries()) {
      const { State } = await containers.inspect(id);
      assert.equal(State.Status, 'exited');
      assert.equal(State.ExitCode, index < 9 ? index + 1 : 137);
      assert.ok(
        Date.parse(State.FinishedAt) < Date.now() - 200,
        'it ended when it ended, not when the daemon came back',
      );
      assert.ok(Date.parse(State.FinishedAt) > Date.parse(State.StartedAt));
      if (index < 9) assert.equal((await containers.logs(id)).stdout, 'end\n');
    }
    assert.equal((await http.send('GET', `/containers/${vanishing}/json`)).status, 404, '--rm while it was away');

    await http.call('POST', `/containers/${paused}/unpause`);
    await pause(300);
    for (const id of counters) assertSequence((await containers.logs(id)).stdout, id === paused ? 1 : 15);
    const { code, stdout } = await containers.exec(counters[1]!, { Cmd: sh('hostname; exit 9') });
    assert.deepEqual({ code, stdout }, { code: 9, stdout: `${counters[1]!.slice(0, 12)}\n` });
    const attached = await containers.attach(counters[2]!, 'stream=1&stdout=1');
    const [chunk] = (await attached.take(1).toArray()) as Buffer[];
    assert.ok(chunk!.length > 8, 'attach works');
    attached.destroy();

    await http.call('POST', `/containers/${counters[3]!}/kill?signal=KILL`);
    assert.equal((await containers.inspect(counters[3]!)).State.ExitCode, 137);
    await Promise.all(counters.map((id) => containers.stop(id, 0)));
    for (const id of counters) {
      const { State } = await containers.inspect(id);
      assert.equal(State.Status, 'exited');
      assertSequence((await containers.logs(id)).stdout, id === paused ? 1 : 15);
    }
    await containers.start(counters[0]!);
    assert.equal((await containers.inspect(counters[0]!)).State.Status, 'running');
  });

  const patience = { timeout: 60_000 + KILLS * 3000 };
  test('SIGKILL at any moment of create, start and remove leaves nothing half-made', patience, async (context) => {
    await using daemon = new Daemon();
    const { containers, http } = daemon;
    await daemon.start();
    await daemon.import();
    const found = { created: 0, running: 0, exited: 0 };
    for (let round = 0; round < KILLS; round++) {
      const asked: string[] = [];
      const removed = new Set<string>();
      const stop = new AbortController();
      const client = async (): Promise<void> => {
        while (!stop.signal.aborted) {
          const id = await containers.create({ Cmd: sh('echo $((6*7)); sleep 0.02') });
          asked.push(id);
          await containers.start(id);
          if (asked.length % 3 === 0) await containers.wait(id);
          removed.add(id);
          await containers.remove(id);
        }
      };
      const clients = [1, 2, 3].map(() => client().catch(() => {}));
      await pause(50 + Math.random() * 150);
      stop.abort();
      // What it has begun goes on to its end, and it learns nothing of that: the moment of the kill is a long one.
      if (round % 2 === 1) {
        process.kill(daemon.pid, 'SIGSTOP');
        await pause(Math.random() * 60);
      }
      await daemon.end('SIGKILL');
      await Promise.all(clients);
      await daemon.start();
      for (const { Id, State } of await containers.list()) {
        assert.match(State, /^(created|running|exited)$/);
        found[State as keyof typeof found] += 1;
        // What was not started can be; whatever was has run once.
        if (State === 'created') {
          assert.equal((await containers.logs(Id)).stdout, '', 'a program has run that nobody knows of');
          await containers.start(Id);
        }
        const code = await containers.wait(Id);
        // A removal that was cut off had killed it.
        if (code === 137 && State === 'exited' && removed.has(Id)) continue;
        assert.equal(code, 0);
        assert.equal((await containers.logs(Id)).stdout, '42\n');
      }
      await daemon.removeContainers();
      await eventually(
        `round ${round}: only the daemon and its launcher are left`,
        () => processesOf(daemon.traces).length === 2 && cgroupsOf(daemon.traces).length === 0,
      ).catch((error: unknown) => {
        const left = { processes: processesOf(daemon.traces), cgroups: cgroupsOf(daemon.traces) };
        throw new Error(JSON.stringify(left), { cause: error });
      });
    }
    context.diagnostic(`${KILLS} kills; found ${JSON.stringify(found)}`);
    assert.deepEqual((await http.call('GET', '/containers/json?all=1')).json(), []);
  });

  test('what a removal that was cut off has left is swept up by the next daemon', async () => {
    await using daemon = new Daemon();
    const { containers } = daemon;
    await daemon.start();
    await daemon.import();
    for (let round = 0; round < 6; round++) {
      const bodies = Array.from({ length: 6 }, () => ({ Cmd: ['true'], HostConfig: { AutoRemove: true } }));
      const ids = await Promise.all(bodies.map((body) => containers.create(body)));
      // Who waits is told before the folders go.
      const gone = Promise.any(ids.map((id) => containers.wait(id, 'removed')));
      const started = Promise.allSettled(ids.map((id) => containers.start(id)));
      await gone;
      await daemon.end('SIGKILL');
      await started;
      // As if it had been killed between the two, whatever came of the others.
      const id = String(round).repeat(64);
      for (const folder of [`${daemon.execRoot}/containers/${id}`, `${daemon.dataRoot}/containers/${id}/merged`]) {
        mkdirSync(folder, { recursive: true });
      }
      const parents = globSync(`/sys/fs/cgroup{,/*}${daemon.cgroupParent}`);
      assert.ok(parents.length > 0);
      for (const parent of parents) mkdirSync(`${parent}/${id}`);
      await daemon.start();
      for (const { Id } of await containers.list()) await containers.remove(Id);
      const left = (): string[] => {
        const files = filesOf(daemon.traces).filter((file) => !/\.(sock|pid)$/.test(file));
        return [...cgroupsOf(daemon.traces), ...files];
      };
      await eventually('nothing is left', () => left().length === 0).catch(() => assert.deepEqual(left(), []));
    }
  });

  test('SIGTERM stops the containers; with --live-restore they stay', async () => {
    await using daemon = new Daemon();
    const { containers } = daemon;
    await daemon.start('--live-restore');
    await daemon.import();
    const body = { Cmd: sh(`trap 'echo bye; exit 3' TERM; ${COUNTER}`) };
    const id = await containers.begin(body);
    const { Pid } = (await containers.inspect(id)).State;
    assert.equal(await daemon.end('SIGTERM'), 0);
    await pause(300);
    process.kill(Pid, 0);
    await daemon.start();
    assert.equal((await containers.inspect(id)).State.Pid, Pid);
    assert.equal(await daemon.end('SIGTERM'), 0);
    assert.throws(() => process.kill(Pid, 0), /ESRCH/);
    await daemon.start();
    const { State } = await containers.inspect(id);
    assert.deepEqual([State.Status, State.ExitCode], ['exited', 3]);
    const { stdout } = await containers.logs(id);
    assert.match(stdout, /\nbye\n$/);
    assertSequence(stdout.replace(/bye\n$/, ''), 3);
    await containers.start(id);
    assert.equal((await containers.inspect(id)).State.Status, 'running');
  });

  test('a second daemon on the same data root is refused, naming the first', async () => {
    await using daemon = new Daemon();
    await daemon.start();
    const { code, output } = await daemon.startInVain('-H', `unix://${daemon.folder}/other.sock`);
    assert.notEqual(code, 0);
    assert.match(output, new RegExp(`${daemon.dataRoot} is in use by another daemon \\(pid ${daemon.pid}\\)`));
    assert.equal((await daemon.http.call('GET', '/_ping')).text, 'OK', 'the first goes on');
  });

  test('a follower of logs and a waiter are let go when the daemon stops', async () => {
    await using daemon = new Daemon();
    const { containers, http } = daemon;
    await daemon.start();
    await daemon.import();
    const id = await containers.begin({ Cmd: sh(`trap 'exit 6' TERM; ${COUNTER}`) });
    const log = await http.stream(`/containers/${id}/logs?stdout=1&follow=1`);
    const text = collect(log).catch(() => Buffer.alloc(0));
    const waiting = containers.wait(id).catch(() => -1);
    await pause(200);
    assert.equal(await daemon.end('SIGTERM'), 0);
    await text;
    assert.ok([6, -1].includes(await waiting));
    await daemon.start();
    assert.equal((await containers.inspect(id)).State.ExitCode, 6);
  });
});

/** 1, 2, 3 … without a gap, a double or a torn line; a last line without its end has not been written yet. */
function assertSequence(text: string, atLeast: number): void {
  const lines = text.split('\n').slice(0, -1);
  const wrong = lines.findIndex((line, index) => line !== String(index + 1));
  assert.equal(wrong, -1, `line ${wrong + 1} is '${lines[wrong]}' after '${lines[wrong - 1]}'`);
  assert.ok(lines.length >= atLeast, `${lines.length} lines`);
}
