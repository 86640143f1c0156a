/** Stats, sizes, prune and the details of what else is asked about containers. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sh } from '../support/containers.ts';
import { useDaemon } from '../support/daemon.ts';
import { collect } from '../support/http.ts';
import { missing } from '../support/needs.ts';

interface Stats {
  readonly read: string;
  readonly preread: string;
  readonly name: string;
  readonly pids_stats: { readonly current?: number };
  readonly cpu_stats: { readonly cpu_usage: { readonly total_usage: number }; readonly system_cpu_usage?: number };
  readonly precpu_stats: Stats['cpu_stats'];
  readonly memory_stats: { readonly usage?: number; readonly limit?: number };
}

describe('usage', { skip: missing('root', 'busybox'), timeout: 60_000 }, () => {
  const daemon = useDaemon();
  const { containers, http } = daemon;
  const stats = async (id: string, query: string): Promise<Stats> =>
    (await http.call('GET', `/containers/${id}/stats?${query}`)).json<Stats>();

  test('stats: one look, one period, a stream, and one that does not run', async () => {
    const Memory = 64 << 20;
    const id = await containers.begin(
      { Cmd: sh('while :; do :; done'), HostConfig: { Memory, NanoCpus: 2e8 } },
      'busy',
    );
    const once = await stats(id, 'stream=0&one-shot=1');
    assert.equal(once.preread, '0001-01-01T00:00:00Z');
    assert.deepEqual([once.name, once.memory_stats.limit, once.pids_stats.current], ['/busy', Memory, 1]);
    const { cpu_stats: now, precpu_stats: before } = await stats(id, 'stream=false');
    const used = now.cpu_usage.total_usage - before.cpu_usage.total_usage;
    const host = now.system_cpu_usage! - before.system_cpu_usage!;
    assert.ok(used > 0.05e9 && used < 0.5e9, `a fifth of a CPU in a second: ${used}`);
    assert.ok(host > 0.5e9, `all CPUs of the host: ${host}`);
    const stream = await http.stream(`/containers/${id}/stats`);
    const lines: Stats[] = [];
    for await (const chunk of stream) {
      lines.push(JSON.parse(String(chunk)) as Stats);
      if (lines.length === 2) await containers.remove(id);
    }
    assert.ok(lines.length >= 2, 'it ends with the container');
    assert.equal(lines[1]!.preread, lines[0]!.read);
    const idle = await containers.create({ Cmd: ['true'] });
    const none = await stats(idle, 'stream=0');
    assert.deepEqual([none.read, none.memory_stats], ['0001-01-01T00:00:00Z', {}]);
    assert.equal((await http.send('GET', '/containers/nobody/stats')).status, 404);
    await containers.remove(idle);
  });

  test('sizes in lists and inspect, and prune with filters', async () => {
    const id = await containers.create({ Cmd: sh('head -c 100000 /dev/zero > /big'), Labels: { keep: 'no' } });
    await containers.start(id);
    await containers.wait(id);
    const kept = await containers.create({ Cmd: ['true'], Labels: { keep: 'yes' } });
    const runs = await containers.begin({ Cmd: ['sleep', '1000'] });
    type Sizes = { Id: string; SizeRw?: number; SizeRootFs?: number };
    const list = async (query: string): Promise<Sizes | undefined> =>
      (await http.call('GET', `/containers/json?all=1${query}`)).json<Sizes[]>().find(({ Id }) => Id === id);
    assert.equal((await list(''))!.SizeRw, undefined);
    const row = (await list('&size=1'))!;
    assert.equal(row.SizeRw, 100_000);
    assert.ok(row.SizeRootFs! > 100_000);
    const inspected = (await http.call('GET', `/containers/${id}/json?size=1`)).json<Sizes>();
    assert.deepEqual([inspected.SizeRw, inspected.SizeRootFs], [row.SizeRw, row.SizeRootFs]);
    const prune = async (filters: object): Promise<object> =>
      (await http.call('POST', `/containers/prune?filters=${encodeURIComponent(JSON.stringify(filters))}`)).json();
    assert.deepEqual(await prune({ until: ['1h'] }), { ContainersDeleted: null, SpaceReclaimed: 0 });
    assert.deepEqual(await prune({ 'label!': ['keep=yes'] }), { ContainersDeleted: [id], SpaceReclaimed: 100_000 });
    assert.equal((await http.send('POST', '/containers/prune?filters={"foo":["x"]}')).status, 400);
    assert.deepEqual(await prune({ label: ['keep'] }), { ContainersDeleted: [kept], SpaceReclaimed: 0 });
    assert.equal((await containers.inspect(runs)).State.Status, 'running');
    await containers.remove(runs);
  });

  test('logs with details, attach with logs and stream, top with arguments, events between times', async () => {
    const id = await containers.begin({ Cmd: sh('i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done') });
    await new Promise((done) => setTimeout(done, 200));
    const socket = await containers.attach(id, 'logs=1&stream=1&stdout=1');
    const bytes: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => bytes.push(chunk));
    await new Promise((done) => setTimeout(done, 500));
    socket.destroy();
    const numbers = Buffer.concat(bytes)
      .toString('latin1')
      .split('\n')
      .map((line) => Number(/(\d+)$/.exec(line)?.[1]))
      .filter((number) => number > 0);
    assert.ok(numbers.length > 20);
    for (const [index, number] of numbers.slice(0, -1).entries()) {
      const next = numbers[index + 1]!;
      assert.ok(next === number + 1 || next === number, `${number} and then ${next}`);
    }
    assert.equal(numbers[0], 1);
    const log = await collect(await http.stream(`/containers/${id}/logs?stdout=1&details=1&tail=1`));
    assert.match(log.subarray(8).toString(), /^ \d+\n$/);
    const top = async (args: string) => http.send('GET', `/containers/${id}/top?ps_args=${encodeURIComponent(args)}`);
    assert.deepEqual((await top('-o pid,user')).json<{ Titles: string[] }>().Titles, ['PID', 'USER']);
    assert.match((await top('-o user')).text, /Couldn't find PID field in ps output/);
    assert.match((await top('--bogus')).text, /ps: error: unknown gnu long option/);
    assert.match((await top('-o pid=PID1')).text, /specifying .*pid=PID1.* is not allowed/);
    const events = await http.send('GET', '/events?since=20&until=10');
    assert.deepEqual([events.status, events.text.includes('cannot be after')], [400, true]);
    await containers.remove(id);
  });
});
