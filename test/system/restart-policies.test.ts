/** Restart policies: who is started again, when, and what stop, kill, rm, update and a new daemon do to it. */
import assert from 'node:assert/strict';
import { mkdirSync, rmdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { sh } from '../support/containers.ts';
import { Daemon, useDaemon } from '../support/daemon.ts';
import { eventually, pause } from '../support/eventually.ts';
import { missing } from '../support/needs.ts';

interface Facts {
  readonly RestartCount: number;
  readonly State: {
    readonly Status: string;
    readonly Restarting: boolean;
    readonly ExitCode: number;
    Pid: number;
    Error: string;
  };
  readonly HostConfig: { readonly RestartPolicy: object };
}

const policy = (Name: string, MaximumRetryCount = 0): Readonly<Record<string, unknown>> => ({
  RestartPolicy: { Name, MaximumRetryCount },
});

describe('restart policies', { skip: missing('root', 'busybox'), timeout: 120_000 }, () => {
  const daemon = useDaemon();
  const { containers, http } = daemon;
  const look = async (id: string): Promise<Facts> => (await http.call('GET', `/containers/${id}/json`)).json<Facts>();
  const settled = async (id: string, status: string): Promise<Facts> => {
    await eventually(`${id} is ${status}`, async () => (await look(id)).State.Status === status, 10_000);
    return look(id);
  };
  const begin = (script: string, restart: Readonly<Record<string, unknown>>): Promise<string> =>
    containers.begin({ Cmd: sh(script), HostConfig: restart });

  test('on-failure:2 runs three times, with growing delays, and then stays down', async () => {
    const id = await begin('date +%s%N; exit 3', policy('on-failure', 2));
    await eventually('it gave up', async () => (await look(id)).RestartCount === 2, 10_000);
    const { State, RestartCount, HostConfig } = await settled(id, 'exited');
    assert.deepEqual([State.ExitCode, RestartCount, State.Restarting], [3, 2, false]);
    assert.deepEqual(HostConfig.RestartPolicy, { Name: 'on-failure', MaximumRetryCount: 2 });
    assert.equal((await containers.logs(id)).stdout.trim().split('\n').length, 3);
  });

  test('on-failure leaves a success alone; always does not', async () => {
    const once = await begin('exit 0', policy('on-failure'));
    const again = await begin('exit 0', policy('always'));
    await eventually('twice', async () => (await look(again)).RestartCount >= 2, 10_000);
    const { RestartCount, State } = await look(once);
    assert.deepEqual([RestartCount, State.Status], [0, 'exited']);
    await containers.stop(again);
    assert.equal((await look(again)).State.Status, 'exited');
    const count = (await look(again)).RestartCount;
    await pause(500);
    assert.equal((await look(again)).RestartCount, count, 'stop means stop');
    await containers.start(again);
    await eventually('counted anew', async () => (await look(again)).RestartCount < count + 2, 1000);
    await containers.remove(again);
  });

  test('between two runs: state, refusals, waiters, and stop', async () => {
    const id = await begin('exit 7', policy('always'));
    await eventually('a long delay', async () => (await look(id)).RestartCount >= 4, 10_000);
    const { State } = await settled(id, 'restarting');
    assert.deepEqual([State.Restarting, State.Pid, State.ExitCode], [true, 0, 7]);
    const [row] = (await http.call('GET', `/containers/json?filters={"id":["${id}"]}`)).json<{ Status: string }[]>();
    assert.match(row!.Status, /^Restarting \(7\) .* ago$/);
    const check = async (method: string, path: string, status: number, words: RegExp, body?: object): Promise<void> => {
      const answer = await http.send(method, `/containers/${id}${path}`, body);
      assert.equal(answer.status, status, `${path}: ${answer.text}`);
      assert.match(answer.text, words);
    };
    const wait = /is restarting, wait until the container is running/;
    await check('POST', '/pause', 409, wait);
    await check('POST', '/exec', 409, wait, { Cmd: ['true'] });
    await check('GET', '/top', 409, wait);
    await check('POST', '/start', 304, /^$/);
    await check('DELETE', '', 409, /container is restarting: stop the container before/);
    const waiting = containers.wait(id);
    await containers.stop(id);
    assert.equal(await waiting, 7);
    const { State: after } = await look(id);
    assert.deepEqual([after.Status, after.Restarting], ['exited', false]);
    await containers.remove(id);
  });

  test('kill ends it for good, also between two runs; rm by force too', async () => {
    const runs = await begin('sleep 1000', policy('always'));
    await containers.kill(runs);
    await pause(400);
    assert.equal((await look(runs)).State.Status, 'exited');
    const ids = await Promise.all([1, 2].map(() => begin('exit 1', policy('unless-stopped'))));
    for (const id of ids) await eventually('a delay', async () => (await look(id)).RestartCount >= 3, 10_000);
    await settled(ids[0]!, 'restarting');
    await containers.kill(ids[0]!);
    assert.equal((await look(ids[0]!)).State.Status, 'exited');
    await containers.remove(ids[1]!);
    await pause(1000);
    assert.equal((await look(ids[0]!)).State.Status, 'exited');
    assert.equal((await http.send('GET', `/containers/${ids[1]!}/json`)).status, 404);
  });

  test('update changes the policy of a running container', async () => {
    const id = await containers.begin({ Cmd: sh('sleep 0.3; exit 5') });
    await http.call('POST', `/containers/${id}/update`, {
      RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 1 },
    });
    await eventually('restarted', async () => (await look(id)).RestartCount === 1, 10_000);
    assert.equal((await settled(id, 'exited')).RestartCount, 1);
    const gone = await containers.begin({ Cmd: ['sleep', '1000'], HostConfig: { AutoRemove: true } });
    const answer = await http.send('POST', `/containers/${gone}/update`, { RestartPolicy: { Name: 'always' } });
    assert.match(answer.text, /cannot be updated because AutoRemove is enabled/);
    await containers.remove(gone);
  });

  test('a container that cannot be started again is given up with its reason', async () => {
    const Source = `${daemon.folder}/mounted`;
    mkdirSync(Source);
    const id = await containers.begin({
      Cmd: sh('sleep 0.3; exit 1'),
      HostConfig: { ...policy('always'), Mounts: [{ Type: 'bind', Source, Target: '/x' }] },
    });
    rmdirSync(Source);
    const { State } = await settled(id, 'exited');
    assert.match(State.Error, /bind source path does not exist/);
    await containers.remove(id);
    const bad = await http.send('POST', '/containers/create', {
      Image: 'busybox',
      HostConfig: { ...policy('always'), AutoRemove: true },
    });
    assert.deepEqual(
      [bad.status, /can't create 'AutoRemove' container with restart policy/.test(bad.text)],
      [400, true],
    );
    const unknown = await http.send('POST', '/containers/create', { Image: 'busybox', HostConfig: policy('often') });
    assert.match(unknown.text, /unknown policy 'often'/);
  });
});

describe('restart policies and the daemon', { skip: missing('root', 'busybox'), timeout: 120_000 }, () => {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    test(`a daemon that ended by ${signal} starts again what its policies want`, async () => {
      await using daemon = new Daemon();
      const { containers } = daemon;
      await daemon.start('--shutdown-timeout=1');
      await daemon.import();
      const begin = (name: string, script = 'sleep 1000'): Promise<string> =>
        containers.begin({ Cmd: sh(script), HostConfig: policy(name) });
      const always = await begin('always');
      const stoppedAlways = await begin('always');
      const unless = await begin('unless-stopped');
      const stoppedUnless = await begin('unless-stopped');
      const none = await begin('no');
      const failing = await begin('on-failure', 'exit 9');
      const never = await containers.create({ Cmd: sh('sleep 1000'), HostConfig: policy('always') });
      // The default of fifteen seconds would be waited for, as their shells do not hear SIGTERM.
      await Promise.all([stoppedAlways, stoppedUnless].map((id) => containers.stop(id, 0)));
      await daemon.end(signal);
      await daemon.start('--shutdown-timeout=1');
      const status = async (id: string): Promise<string> => (await containers.inspect(id)).State.Status;
      const found = Object.fromEntries(
        await Promise.all(
          Object.entries({ always, stoppedAlways, unless, stoppedUnless, none, never }).map(
            async ([name, id]) => [name, await status(id)] as const,
          ),
        ),
      );
      assert.deepEqual(found, {
        always: 'running',
        stoppedAlways: 'running',
        unless: 'running',
        stoppedUnless: 'exited',
        none: signal === 'SIGTERM' ? 'exited' : 'running',
        never: 'created',
      });
      assert.match(await status(failing), /^(restarting|running|exited)$/);
      await daemon.removeContainers();
    });
  }
});
