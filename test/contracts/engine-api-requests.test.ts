/**
 * Nothing a client asks for is taken and forgotten: each query parameter and each field of a body that the description
 * names is honoured, refused by its name, or known to be without effect. The tables are in engine-api/.
 */
import assert from 'node:assert/strict';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { useDaemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { missing } from '../support/needs.ts';
import { busyboxTar } from '../support/rootfs.ts';
import { frame } from '#wire';
import {
  bodyPaths,
  bodyWith,
  companions,
  createFields,
  type Fate,
  updateFields,
  valueAt,
} from './engine-api/body-fields.ts';
import { coreOperations } from './engine-api/description.ts';
import { Contract } from './engine-api/exchange.ts';
import { operationsNotYet } from './engine-api/later.ts';
import { queryParameters } from './engine-api/queries.ts';
import { authFields, commitFields, execFields, execStartFields } from './engine-api/smaller-bodies.ts';

const other = encodeURIComponent('{"os":"linux","architecture":"s390x"}');
const basic = { Image: 'busybox', Cmd: ['sleep', '600'], HostConfig: { NetworkMode: 'none' } };

test('every query parameter of the description has its row, and every row its parameter', () => {
  const described = coreOperations
    .filter(({ id }) => !operationsNotYet.has(id))
    .flatMap(({ id, parameters }) =>
      parameters.filter((each) => each.in === 'query').map(({ name }) => `${id} ${name}`),
    );
  assert.deepEqual(Object.keys(queryParameters).sort(), described.sort());
});

test('the tests that are named use the parameters they are named for', () => {
  for (const [key, fate] of Object.entries(queryParameters)) {
    if (!('seenIn' in fate)) continue;
    const text = readFileSync(`${import.meta.dirname}/${fate.seenIn}`, 'utf8');
    const words = fate.as ?? `${key.split(' ')[1]!}=`;
    assert.ok(text.includes(words), `${fate.seenIn} has no '${words}', for ${key}`);
  }
});

test('every field of the bodies has its row, and every row its field', () => {
  assert.deepEqual(Object.keys(createFields).sort(), bodyPaths('ContainerCreate').sort());
  assert.deepEqual(Object.keys(updateFields).sort(), bodyPaths('ContainerUpdate').sort());
  for (const fate of [...Object.values(createFields), ...Object.values(updateFields)]) {
    if ('seenIn' in fate) assert.ok(existsSync(`${import.meta.dirname}/${fate.seenIn}`), fate.seenIn);
  }
  for (const [operation, table] of Object.entries({
    ContainerExec: execFields,
    ExecStart: execStartFields,
    ImageCommit: commitFields,
    SystemAuth: authFields,
  })) {
    assert.deepEqual(Object.keys(table).sort(), bodyPaths(operation).sort(), operation);
    for (const [path, fate] of Object.entries(table)) {
      if (!('seenIn' in fate)) continue;
      const text = readFileSync(`${import.meta.dirname}/${fate.seenIn}`, 'utf8');
      assert.ok(text.includes(fate.as ?? path), `${fate.seenIn} has no '${fate.as ?? path}', for ${operation}`);
    }
  }
});

describe('requests', { skip: missing('root', 'busybox') }, () => {
  const daemon = useDaemon();
  const api = new Contract(daemon.socket);

  const create = async (body: object): Promise<{ id: string }> => {
    const { value } = await api.call<{ Id: string }>('ContainerCreate', { body, status: 201 });
    daemon.containers.made.push(value.Id);
    return { id: value.Id };
  };
  const remove = (params: { id: string }) => api.call('ContainerDelete', { params, query: 'force=1', status: 204 });
  const inspect = async (params: { id: string }) => (await api.call('ContainerInspect', { params })).value;

  const merged = (path: string, value: unknown): object => {
    const { HostConfig: host = {}, ...rest } = bodyWith(path, value) as { HostConfig?: object };
    const isHost = path.startsWith('HostConfig.');
    return { ...basic, ...rest, HostConfig: { ...basic.HostConfig, ...(isHost ? companions[path] : {}), ...host } };
  };

  const refused = (message: string, path: string): void => {
    const name = path.split('.').at(-1)!;
    const words = {
      Runtime: 'runtime name: runsc',
      Isolation: "isolation 'hyperv'",
      IOMaximumIOps: 'Maximum IO IOps',
      IOMaximumBandwidth: 'Maximum IO Bandwidth',
    };
    assert.ok(message.includes((words as Record<string, string>)[name] ?? name), `${message} does not name ${path}`);
  };

  const checkCreate = async (path: string, fate: Fate): Promise<void> => {
    if ('seenIn' in fate) return;
    const body = merged(path, fate.give);
    if ('status' in fate && fate.status !== undefined) {
      const { value } = await api.call<{ message: string }>('ContainerCreate', { body, status: fate.status });
      refused(value.message, path);
      return;
    }
    const params = await create(body);
    const shown = await inspect(params);
    await remove(params);
    if ('noEffect' in fate) return;
    const at = path.startsWith('HostConfig.') ? path : `Config.${path}`;
    assert.deepEqual(valueAt(shown, at), 'shown' in fate ? fate.shown : fate.give, path);
  };

  for (const [path, fate] of Object.entries(createFields)) test(`create: ${path}`, () => checkCreate(path, fate));

  for (const [path, fate] of Object.entries(updateFields)) {
    test(`update: ${path}`, async () => {
      if ('seenIn' in fate) return;
      const params = await create(basic);
      const body = { ...companions[path], ...bodyWith(path, fate.give) };
      if ('status' in fate && fate.status !== undefined) {
        const { value } = await api.call<{ message: string }>('ContainerUpdate', { params, body, status: fate.status });
        refused(value.message, path);
      } else {
        const before = valueAt(await inspect(params), `HostConfig.${path}`);
        const { value } = await api.call<{ Warnings: string[] }>('ContainerUpdate', { params, body, status: 200 });
        const stays = 'noEffect' in fate;
        assert.deepEqual(valueAt(await inspect(params), `HostConfig.${path}`), stays ? before : fate.give);
        assert.equal(value.Warnings.length, stays ? 1 : 0, value.Warnings.join());
      }
      await remove(params);
    });
  }

  test('what stays as it is may be sent back as inspect has told it', async () => {
    const Ulimits = [{ Name: 'nofile', Soft: 10, Hard: 20 }];
    const params = await create({ ...basic, HostConfig: { ...basic.HostConfig, Ulimits, Init: true } });
    const told = valueAt(await inspect(params), 'HostConfig') as object;
    const { value } = await api.call<{ Warnings: string[] }>('ContainerUpdate', { params, body: told, status: 200 });
    assert.deepEqual(value.Warnings, []);
    await remove(params);
  });

  test('where images have come from is told with their manifests only', async () => {
    await api.call('ImageList', { query: 'identity=1', status: 400 });
    const { value } = await api.call<{ Manifests: object[] }[]>('ImageList', { query: 'manifests=1&identity=1' });
    for (const { Manifests } of value) {
      for (const each of Manifests) assert.equal(valueAt(each, 'ImageData.Identity'), null, 'it was never pulled');
    }
  });

  test('an update takes limits of devices and of processes away', async () => {
    const device = { Path: '/dev/loop0', Rate: 4096 };
    const params = await create({
      ...basic,
      HostConfig: { ...basic.HostConfig, PidsLimit: 20, BlkioDeviceReadBps: [device] },
    });
    await api.call('ContainerStart', { params, status: 204 });
    await api.call('ContainerUpdate', { params, body: { PidsLimit: 0, BlkioDeviceReadBps: [] }, status: 200 });
    const limits = valueAt(await inspect(params), 'HostConfig') as Record<string, unknown>;
    assert.deepEqual([limits['PidsLimit'], limits['BlkioDeviceReadBps']], [-1, []]);
    await remove(params);
  });

  for (const [key, fate] of Object.entries(queryParameters)) {
    if (!('refused' in fate)) continue;
    test(`${key} is refused by its name`, async () => {
      const [id = '', name = ''] = key.split(' ');
      const { value } = await api.call<{ message: string }>(id, {
        params: { id: 'x', name: 'busybox' },
        query: fate.refused,
        status: fate.status,
      });
      assert.match(value.message, name === 'platforms' ? /one platform of an image/ : new RegExp(name));
    });
  }

  test('lists end where they are told', async () => {
    const made = await Promise.all([create(basic), create(basic), create(basic)]);
    const { value } = await api.call<object[]>('ContainerList', { query: 'limit=2' });
    assert.equal(value.length, 2);
    await Promise.all(made.map(remove));
  });

  test('stop and restart send the signal they are told, since 1.42', async () => {
    const script = 'trap "exit 5" INT; trap "exit 6" TERM; while :; do sleep 0.05; done';
    const params = await create({ ...basic, Cmd: ['sh', '-c', script] });
    const code = async (operation: string, query: string, version = ''): Promise<number> => {
      await api.call('ContainerStart', { params });
      const waited = api.call<{ StatusCode: number }>('ContainerWait', { params, query: 'condition=next-exit' });
      // The shell takes a moment to set its traps.
      await new Promise((done) => setTimeout(done, 300));
      await api.call(operation, { params, query, version, status: 204 });
      return (await waited).value.StatusCode;
    };
    assert.equal(await code('ContainerStop', 'signal=INT&t=5'), 5);
    assert.equal(await code('ContainerStop', 'signal=INT&t=5', '/v1.41'), 6);
    assert.equal(await code('ContainerRestart', 'signal=INT&t=5'), 5);
    await remove(params);
  });

  test('platforms: an image of another one is not taken', async () => {
    const query = `platform=${other}`;
    const params = { name: 'busybox' };
    for (const id of ['ImageInspect', 'ImageAttestations', 'ImageHistory', 'ImageGet']) {
      const { value } = await api.call<{ message: string }>(id, { params, query, status: 404 });
      assert.match(value.message, /does not match the specified platform: wanted linux\/s390x/, id);
    }
    await api.call('ImageGetAll', { query: `names=busybox&${query}`, status: 404 });
    const saved = await api.call('ImageGet', { params });
    await api.call('ImageLoad', { stream: Readable.from([saved.bytes]), query, status: 400 });
    await api.call('ImageTag', { params, query: 'repo=127.0.0.1:9/x&tag=1', status: 201 });
    const pushed = await api.call('ImagePush', { params: { name: '127.0.0.1:9/x' }, query: `tag=1&${query}` });
    assert.match(pushed.text, /"error":"image with reference .* does not match the specified platform/);
    const imported = 'fromSrc=-&repo=foreign&message=why&changes=CMD%20true&platform=linux/s390x';
    await api.call('ImageCreate', { query: imported, stream: createReadStream(busyboxTar()), status: 200 });
    const { value } = await api.call<Record<string, unknown>>('ImageInspect', { params: { name: 'foreign' } });
    assert.deepEqual(
      [value['Architecture'], value['Comment'], valueAt(value, 'Config.Cmd')],
      ['s390x', 'why', ['/bin/sh', '-c', 'true']],
    );
    const { value: created } = await api.call<{ Id: string; Warnings: string[] }>('ContainerCreate', {
      body: { ...basic, Image: 'foreign' },
      status: 201,
    });
    daemon.containers.made.push(created.Id);
    assert.match(created.Warnings[0] ?? '', /platform \(linux\/s390x\) does not match the detected host platform/);
    await remove({ id: created.Id });
  });

  test('manifests are shown to who asks for them', async () => {
    const { value } = await api.call<{ Manifests?: object[] }[]>('ImageList', { query: 'manifests=1' });
    assert.ok((value[0]?.Manifests?.length ?? 0) > 0);
    const one = await api.call<{ Manifests?: object[] }>('ImageInspect', {
      params: { name: 'busybox' },
      query: 'manifests=1',
    });
    assert.ok((one.value.Manifests?.length ?? 0) > 0);
  });

  test('commit: name, words, changes, and whether it pauses', async () => {
    const params = await create(basic);
    await api.call('ContainerStart', { params });
    const query = `container=${params.id}&repo=made&tag=x&comment=why&author=me&pause=0&changes=${encodeURIComponent('USER nobody')}`;
    await api.call('ImageCommit', { query, status: 201 });
    // A described answer has no parent, and such an image has one.
    const value = (await daemon.http.call('GET', '/images/made:x/json')).json<Record<string, unknown>>();
    assert.deepEqual([value['Comment'], value['Author'], valueAt(value, 'Config.User')], ['why', 'me', 'nobody']);
    await remove(params);
  });

  test('exec: what is asked for is what it has', async () => {
    const params = await create(basic);
    await api.call('ContainerStart', { params, status: 204 });
    for (const [path, fate] of Object.entries(execFields)) {
      if (!('give' in fate) || !('at' in fate)) continue;
      const body = { Cmd: ['true'], ...bodyWith(path, fate.give) };
      const { value } = await api.call<{ Id: string }>('ContainerExec', { params, body, status: 201 });
      const seen = (await api.call('ExecInspect', { params: { id: value.Id } })).value;
      assert.deepEqual(valueAt(seen, fate.at), fate.shown ?? fate.give, path);
    }
    const Cmd = ['cat'];
    const typed = { AttachStdin: true, AttachStdout: true, Tty: true, DetachKeys: 'a,b', Cmd };
    const { value } = await api.call<{ Id: string }>('ContainerExec', { params, body: typed, status: 201 });
    const socket = await daemon.http.hijack(`/exec/${value.Id}/start`, { Tty: true });
    const ended = new Promise((resolve) => socket.once('close', resolve));
    socket.resume();
    socket.write('xab');
    await ended;
    assert.equal(valueAt((await api.call('ExecInspect', { params: { id: value.Id } })).value, 'Running'), true);
    // Of frames decides what is said at the start, whatever the exec was created with.
    const outputOf = async (tty: boolean, body: object): Promise<string> => {
      const exec = await daemon.containers.createExec(params.id, { Cmd: ['echo', 'hi'], AttachStdout: true, Tty: tty });
      return (await daemon.http.send('POST', `/exec/${exec}/start`, body)).text;
    };
    assert.equal(await outputOf(false, { Tty: true }), 'hi\n');
    assert.equal(await outputOf(true, {}), frame('stdout', Buffer.from('hi\r\n')).toString());
    await remove(params);
  });

  for (const [path, fate] of Object.entries(commitFields)) {
    if (!('give' in fate)) continue;
    test(`commit: ${path}`, async () => {
      const params = await create(basic);
      const query = `container=${params.id}&repo=fields`;
      await api.call('ImageCommit', { query, body: bodyWith(path, fate.give), status: 201 });
      const value = (await daemon.http.call('GET', '/images/fields/json')).json<Record<string, unknown>>();
      if ('at' in fate) assert.deepEqual(valueAt(value, fate.at), fate.shown ?? fate.give);
      else assert.ok(!JSON.stringify(value['Config']).includes(JSON.stringify({ [path]: fate.give }).slice(1, -1)));
      await remove(params);
    });
  }

  test('a client of a terminal goes away by its keys, and the container stays', async () => {
    const params = await create({ ...basic, Cmd: ['cat'], Tty: true, OpenStdin: true });
    await api.call('ContainerStart', { params });
    const check = async (keys: string, typed: string): Promise<void> => {
      const query = `stream=1&stdin=1&stdout=1${keys === '' ? '' : `&detachKeys=${keys}`}`;
      const socket = await daemon.http.hijack(`/containers/${params.id}/attach?${query}`);
      const ended = new Promise((resolve) => socket.once('close', resolve));
      socket.resume();
      socket.write(typed);
      await ended;
    };
    await check('', 'hello\x10\x11');
    await check('x,y', 'hellxo\nxy');
    const detached = 'filters={"event":["detach"]}';
    const { text } = await api.call('SystemEvents', {
      query: `since=0&until=${Math.ceil(Date.now() / 1000)}&${encodeURI(detached)}`,
    });
    assert.equal(text.trim().split('\n').length, 2);
    assert.equal(valueAt(await inspect(params), 'State.Running'), true);
    await api.call('ContainerAttach', { params, query: 'stream=1&detachKeys=none', status: 400 });
    await remove(params);
  });

  test('a WebSocket carries what is typed and what is written', async () => {
    const params = await create({ ...basic, Cmd: ['sh', '-c', 'echo before; cat'], OpenStdin: true });
    await api.call('ContainerStart', { params });
    await eventually('it has written', async () => (await daemon.containers.logs(params.id)).stdout === 'before\n');
    const open = async (query: string): Promise<{ socket: Duplex; text: () => string }> => {
      const socket = await webSocket(daemon.socket, `/containers/${params.id}/attach/ws?${query}`);
      let text = '';
      // Frames of a server are not masked: their payload stands in them as it is.
      socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
      return { socket, text: () => text };
    };
    const all = await open('logs=1&stream=1&stdin=1&stdout=1&stderr=1&detachKeys=ctrl-a');
    await eventually('the log comes first', () => all.text().includes('before\n'));
    const silent = await open('stream=1&stdin=1&stdout=0&stderr=0');
    all.socket.write(clientFrame('typed\n'));
    await eventually('what was typed comes back', () => all.text().includes('typed\n'));
    assert.equal(silent.text(), '');
    all.socket.destroy();
    silent.socket.destroy();
    await remove(params);
  });
});

function clientFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  return Buffer.concat([Buffer.from([0x82, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}

function webSocket(socketPath: string, path: string): Promise<Duplex> {
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
  const headers = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' };
  const sent = request({ socketPath, path, agent: false, headers });
  sent.once('upgrade', (_response, socket, head) => {
    if (head.length > 0) socket.unshift(head);
    resolve(socket);
  });
  sent.once('response', (response) => reject(new Error(`no WebSocket: ${response.statusCode}`)));
  sent.once('error', reject);
  sent.end();
  return promise;
}
