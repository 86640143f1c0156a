/** Waiting for the end of containers, and hearing what happens to them. */
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { sh } from '../support/containers.ts';
import { useDaemon } from '../support/daemon.ts';
import { eventually, pause } from '../support/eventually.ts';
import { missing } from '../support/needs.ts';

interface Event {
  readonly Type: string;
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
  readonly time: number;
  readonly timeNano: number;
}

describe('wait and events', { skip: missing('root', 'busybox'), timeout: 60_000 }, () => {
  const { containers, http } = useDaemon();

  const listen = async (filters: object = {}): Promise<{ events: Event[]; stream: IncomingMessage }> => {
    const stream = await http.stream(`/events?filters=${encodeURIComponent(JSON.stringify(filters))}`);
    const events: Event[] = [];
    let text = '';
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const lines = text.split('\n');
      text = lines.pop()!;
      for (const line of lines) events.push(JSON.parse(line) as Event);
    });
    return { events, stream };
  };

  test('wait: at once for what does not run, with the code of the next end otherwise', async () => {
    const id = await containers.create({ Cmd: sh('sleep 0.2; exit 6') });
    assert.equal(await containers.wait(id), 0, 'never started');
    const next = containers.wait(id, 'next-exit');
    await containers.start(id);
    const both = Promise.all([containers.wait(id), next]);
    assert.deepEqual(await both, [6, 6]);
    assert.equal(await containers.wait(id), 6);
    const removed = containers.wait(id, 'removed');
    await pause(20);
    await containers.remove(id);
    assert.equal(await removed, 6);
    assert.equal((await http.send('POST', `/containers/${id}/wait`)).status, 404);
  });

  test('wait: a container that ends at once is not missed', async () => {
    for (let turn = 0; turn < 30; turn++) {
      const id = await containers.create({ Cmd: sh(`exit ${turn}`) });
      const waiting = containers.wait(id, 'next-exit');
      await containers.start(id);
      assert.equal(await waiting, turn);
      await containers.remove(id);
    }
  });

  test('wait: an unknown condition is refused, many waiters are all told', async () => {
    const id = await containers.begin({ Cmd: sh('read line; exit 2'), OpenStdin: true });
    assert.equal((await http.send('POST', `/containers/${id}/wait?condition=tomorrow`)).status, 400);
    // The headers come at once: with them every waiter is there before the end.
    const waiting = await Promise.all(
      Array.from({ length: 50 }, () => http.stream(`/containers/${id}/wait?condition=next-exit`, 'POST')),
    );
    (await http.hijack(`/containers/${id}/attach?stdin=1&stream=1`)).end('\n');
    const answers = await Promise.all(waiting.map((answer) => json(answer)));
    assert.deepEqual(
      answers,
      Array.from({ length: 50 }, () => ({ StatusCode: 2 })),
    );
    await containers.remove(id);
  });

  test('events tell a container’s life in order', async () => {
    const { events, stream } = await listen({ type: ['container'] });
    const id = await containers.create(
      { Cmd: sh('sleep 1000'), Labels: { role: 'x' }, HostConfig: { Init: true } },
      'eventful',
    );
    await containers.start(id);
    await http.call('POST', `/containers/${id}/pause`);
    await http.call('POST', `/containers/${id}/unpause`);
    await containers.exec(id, { Cmd: ['true'] });
    await http.call('POST', `/containers/${id}/rename?name=renamed`);
    await http.call('POST', `/containers/${id}/update`, { PidsLimit: 50 });
    await containers.stop(id);
    await containers.remove(id);
    await eventually('the last one arrives', () => events.at(-1)?.Action === 'destroy');
    stream.destroy();
    const actions = events.map(({ Action }) => Action.replace(/^(exec_\w+): .*/, '$1'));
    const withoutExec = actions.filter((action) => action !== 'exec_die');
    assert.deepEqual(withoutExec, [
      'create',
      'start',
      'pause',
      'unpause',
      'exec_create',
      'exec_start',
      'rename',
      'update',
      'kill',
      'die',
      'stop',
      'destroy',
    ]);
    assert.ok(actions.includes('exec_die'));
    for (const { Type, Actor, time, timeNano } of events) {
      assert.equal(Type, 'container');
      assert.equal(Actor.ID, id);
      assert.equal(Actor.Attributes['role'], 'x');
      assert.equal(Actor.Attributes['image'], 'busybox');
      assert.equal(Math.floor(timeNano / 1e9), time);
    }
    const die = events.find(({ Action }) => Action === 'die')!;
    assert.equal(die.Actor.Attributes['exitCode'], '143');
    assert.equal(events.find(({ Action }) => Action === 'kill')!.Actor.Attributes['signal'], '15');
    const times = events.map(({ timeNano }) => timeNano);
    assert.deepEqual(
      times,
      [...times].sort((a, b) => a - b),
    );
  });

  test('one that ends at once has started before it died', async () => {
    const { events, stream } = await listen({ type: ['container'], event: ['start', 'die'] });
    for (let turn = 0; turn < 40; turn++) {
      await containers.remove(await containers.begin({ Cmd: ['true'] }));
    }
    await eventually('all have died', () => events.length === 80);
    stream.destroy();
    for (const [index, { Action }] of events.entries()) assert.equal(Action, index % 2 === 0 ? 'start' : 'die');
  });

  test('filters choose, since and until look back', async () => {
    const since = (Date.now() - 1) / 1000;
    const [one, two] = [
      await containers.begin({ Cmd: ['true'] }, 'one'),
      await containers.begin({ Cmd: ['true'] }, 'two'),
    ];
    await Promise.all([containers.wait(one), containers.wait(two)]);
    await pause(20);
    const until = Date.now() / 1000;
    const read = async (filters: object): Promise<string[]> => {
      const query = `since=${since}&until=${until}&filters=${encodeURIComponent(JSON.stringify(filters))}`;
      const { text } = await http.call('GET', `/events?${query}`);
      return text
        .trim()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => {
          const { Action, Actor } = JSON.parse(line) as Event;
          return `${Action} ${Actor.Attributes['name']}`;
        });
    };
    assert.deepEqual(await read({ container: ['one'] }), ['create one', 'start one', 'die one']);
    assert.deepEqual((await read({ event: ['die'] })).sort(), ['die one', 'die two']);
    assert.deepEqual(await read({ container: [two], event: ['start'] }), ['start two']);
    assert.deepEqual(await read({ type: ['image'] }), []);
    assert.equal((await http.send('GET', '/events?filters=%7B%22colour%22%3A%5B%22red%22%5D%7D')).status, 400);
    for (const id of [one, two]) await containers.remove(id);
  });

  test('a listener that goes away is forgotten', async () => {
    for (let turn = 0; turn < 20; turn++) (await listen()).stream.destroy();
    const id = await containers.create({ Cmd: ['true'] });
    await containers.remove(id);
  });
});
