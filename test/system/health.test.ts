/** Health checks: states, the log, events, what limits a probe, and a daemon that goes and comes back meanwhile. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sh } from '../support/containers.ts';
import { Daemon, useDaemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import type { Http } from '../support/http.ts';
import { missing } from '../support/needs.ts';

interface Health {
  readonly Status: string;
  readonly FailingStreak: number;
  readonly Log: readonly { readonly Start: string; readonly End: string; ExitCode: number; readonly Output: string }[];
}

const SECOND = 1e9;
const healthOf = async (http: Http, id: string): Promise<Health> =>
  (await http.call('GET', `/containers/${id}/json`)).json<{ State: { Health: Health } }>().State.Health;
const becomes = async (http: Http, id: string, status: string): Promise<Health> => {
  await eventually(`${id} is ${status}`, async () => (await healthOf(http, id)).Status === status, 10_000);
  return healthOf(http, id);
};
const check = (script: string, over: object = {}): object => ({
  Cmd: ['sleep', '1000'],
  Healthcheck: { Test: ['CMD-SHELL', script], Interval: 0.2 * SECOND, Retries: 2, ...over },
});

describe('health checks', { skip: missing('root', 'busybox'), timeout: 120_000 }, () => {
  const daemon = useDaemon();
  const { containers, http } = daemon;
  const begin = (script: string, over?: object): Promise<string> => containers.begin({ ...check(script, over) });

  test('starting, unhealthy, healthy; status text, filter, events, and what the end makes of it', async () => {
    const since = Date.now() / 1000;
    const id = await begin('echo looked; test -e /ok');
    assert.equal((await healthOf(http, id)).Status, 'starting');
    const status = async (): Promise<string> =>
      (await http.call('GET', `/containers/json?filters={"id":["${id}"]}`)).json<{ Status: string }[]>()[0]!.Status;
    assert.match(await status(), /^Up .* \(health: starting\)$/);
    const bad = await becomes(http, id, 'unhealthy');
    assert.ok(bad.FailingStreak >= 2);
    assert.deepEqual([bad.Log.at(-1)!.ExitCode, bad.Log.at(-1)!.Output], [1, 'looked\n']);
    assert.match(await status(), /^Up .* \(unhealthy\)$/);
    assert.equal((await containers.exec(id, { Cmd: ['touch', '/ok'] })).code, 0);
    assert.equal((await becomes(http, id, 'healthy')).FailingStreak, 0);
    assert.match(await status(), /^Up .* \(healthy\)$/);
    const filtered = async (health: string): Promise<number> =>
      (await http.call('GET', `/containers/json?filters={"health":["${health}"]}`)).json<unknown[]>().length;
    assert.deepEqual([await filtered('healthy'), await filtered('none')], [1, 0]);
    assert.match(
      (await http.send('GET', '/containers/json?filters={"health":["fine"]}')).text,
      /value for health: fine/,
    );
    const log = await http.call('GET', `/events?since=${since}&until=${Date.now() / 1000 - 0.001}`);
    const actions = log.text
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { Action: string }).Action);
    for (const action of ['health_status: unhealthy', 'health_status: healthy', 'exec_die']) {
      assert.ok(actions.includes(action), `${action} in ${actions.join()}`);
    }
    assert.ok(actions.includes('exec_create: /bin/sh -c echo looked; test -e /ok'));
    await eventually('five results', async () => (await healthOf(http, id)).Log.length === 5, 5000);
    await containers.stop(id, 0);
    assert.equal((await healthOf(http, id)).Status, 'unhealthy', 'compat: nobody looks any more');
    await containers.start(id);
    const again = await healthOf(http, id);
    assert.deepEqual([again.Status, again.FailingStreak, again.Log.length], ['starting', 0, 5]);
    await containers.remove(id);
  });

  test('a probe that takes too long is killed with what it started; its output is cut', async () => {
    const slow = await begin('echo begun; sleep 777; true', { Timeout: 0.3 * SECOND, Retries: 1 });
    const { Log } = await becomes(http, slow, 'unhealthy');
    assert.deepEqual([Log[0]!.ExitCode, Log[0]!.Output], [-1, 'Health check exceeded timeout (300ms): begun\n']);
    await containers.stop(slow, 0);
    const loud = await begin('yes 12345678 | head -n 5000');
    const [first] = (await becomes(http, loud, 'healthy')).Log;
    assert.equal(first!.Output.length, 4096 + '...'.length);
    const wrong = await containers.begin({
      ...check(''),
      Healthcheck: { Test: ['CMD', '/nope'], Interval: 1e8, Retries: 1 },
    });
    assert.match((await becomes(http, wrong, 'unhealthy')).Log[0]!.Output, /\/nope/);
    for (const id of [loud, wrong]) await containers.remove(id);
  });

  test('probes leave no exec behind: neither process nor folder', async () => {
    const id = await begin('sleep 778', { Timeout: 0.1 * SECOND, Interval: 0.1 * SECOND });
    await eventually('some probes', async () => (await healthOf(http, id)).Log.length >= 4, 10_000);
    const top = (await http.call('GET', `/containers/${id}/top`)).json<{ Processes: string[][] }>();
    assert.ok(top.Processes.length <= 3, JSON.stringify(top.Processes));
    await containers.remove(id);
  });

  test('the start period forgives; NONE and nothing have no health; what makes no sense is refused', async () => {
    const over = { StartPeriod: 60 * SECOND, StartInterval: 0.1 * SECOND, Interval: 60 * SECOND };
    const id = await begin('test -e /ok', over);
    await eventually('probed often', async () => (await healthOf(http, id)).Log.length >= 3, 5000);
    const { Status, FailingStreak } = await healthOf(http, id);
    assert.deepEqual([Status, FailingStreak], ['starting', 0]);
    assert.equal((await containers.exec(id, { Cmd: ['touch', '/ok'] })).code, 0);
    await becomes(http, id, 'healthy');
    await containers.remove(id);
    const none = await containers.begin({ Cmd: sh('sleep 1000'), Healthcheck: { Test: ['NONE'] } });
    assert.equal(await healthOf(http, none), undefined);
    await containers.remove(none);
    const refused = await http.send('POST', '/containers/create', {
      Image: 'busybox',
      Cmd: ['true'],
      Healthcheck: { Test: ['CMD', 'true'], Interval: 10 },
    });
    assert.deepEqual([refused.status, refused.text.includes('cannot be less than 1ms')], [400, true]);
  });
});

describe('health checks and the daemon', { skip: missing('root', 'busybox'), timeout: 120_000 }, () => {
  test('a killed daemon leaves no probe behind, and the next goes on where it was', async () => {
    await using daemon = new Daemon();
    const { containers, http } = daemon;
    await daemon.start();
    await daemon.import();
    const id = await containers.begin({ ...check('test -e /ok || exit 1; echo up; test -e /slow && sleep 779; true') });
    await becomes(http, id, 'unhealthy');
    assert.equal((await containers.exec(id, { Cmd: ['touch', '/ok', '/slow'] })).code, 0);
    const processes = async (): Promise<string> => (await http.call('GET', `/containers/${id}/top`)).text;
    await eventually('a slow probe runs', async () => (await processes()).includes('sleep 779'), 5000);
    const before = await healthOf(http, id);
    await daemon.end('SIGKILL');
    await daemon.start();
    const after = await healthOf(http, id);
    assert.deepEqual([after.Status, after.Log.length], [before.Status, before.Log.length]);
    await eventually(
      'the left probe is gone or replaced',
      async () => !(await processes()).includes('sleep 779'),
      1000,
    );
    assert.equal((await containers.exec(id, { Cmd: ['rm', '/slow'] })).code, 0);
    await becomes(http, id, 'healthy');
  });
});
