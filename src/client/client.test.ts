import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { frame } from '#wire';
import { createClient, type SkiffClient } from './client.ts';
import { isRefusal } from './errors.ts';
import { formatQuery } from './transport.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
type Upgrade = (request: IncomingMessage, socket: Duplex) => void;

/** A client of a server that answers as told, on a socket of its own. */
async function withServer(
  answers: { readonly answer?: Answer; readonly upgrade?: Upgrade },
  run: (client: SkiffClient, path: string) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(`${tmpdir()}/skiff-client-`);
  const path = `${folder}/socket`;
  const server = createServer(answers.answer);
  if (answers.upgrade) server.on('upgrade', answers.upgrade);
  await listen(server, path);
  using client = createClient({ host: `unix://${path}` });
  try {
    await run(client, path);
  } finally {
    server.close();
    server.closeAllConnections();
    rmSync(folder, { recursive: true });
  }
}

const listen = (server: Server, path: string): Promise<void> =>
  new Promise((resolve) => void server.listen(path, resolve));

function sendHead(socket: Duplex, type: string): void {
  socket.write(`HTTP/1.1 101 UPGRADED\r\nContent-Type: ${type}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n`);
}

test('formatQuery() writes true as 1, leaves out false and undefined, repeats lists', () => {
  assert.equal(formatQuery(undefined), '');
  assert.equal(formatQuery({ a: false, b: undefined }), '');
  assert.equal(formatQuery({ a: true, b: 0, c: 'x y&z', d: ['1', '2'], e: '' }), '?a=1&b=0&c=x%20y%26z&d=1&d=2&e=');
});

test('a refusal carries the message of the daemon and its status as the kind', async () => {
  const answer: Answer = (request, response) => {
    const status = Number(/\d+/.exec(request.url ?? '')![0]);
    response
      .writeHead(status)
      .end(status === 502 ? 'a proxy says no' : JSON.stringify({ message: `because ${status}` }));
  };
  await withServer({ answer }, async ({ containers }) => {
    for (const [status, kind] of [
      [400, 'invalid'],
      [404, 'not-found'],
      [409, 'conflict'],
      [500, 'internal'],
      [501, 'not-implemented'],
      [418, 'invalid'],
    ] as const) {
      await assert.rejects(containers.inspect(String(status)), (error) => {
        return isRefusal(error) && error.kind === kind && error.message === `because ${status}`;
      });
    }
    await assert.rejects(containers.inspect('502'), { kind: 'internal', message: 'a proxy says no' });
  });
});

test('start() and stop() tell whether anything had to be done', async () => {
  const answer: Answer = (request, response) =>
    void response.writeHead(request.url!.includes('again') ? 304 : 204).end();
  await withServer({ answer }, async ({ containers }) => {
    assert.equal(await containers.start('a'), true);
    assert.equal(await containers.start('again'), false);
    assert.equal(await containers.stop('again', { timeoutSeconds: 0 }), false);
  });
});

test('names and options are escaped where they go', async () => {
  const seen: string[] = [];
  const answer: Answer = (request, response) => {
    seen.push(`${request.method} ${request.url}`);
    request.resume();
    response.end(request.method === 'POST' ? '{"status":"sha256:1"}' : '[]');
  };
  await withServer({ answer }, async ({ containers, images }) => {
    await containers.list({ all: true, filters: new Map([['name', ['a b']]]) });
    await containers.stop('a/b', { timeoutSeconds: -1, signal: 'INT' });
    await images.inspectText('host:5000/a/b:c');
    assert.equal(
      await images.import(Readable.from(['tar']), { reference: 'host:5000/a:b', changes: ['CMD x', 'ENV a=b'] }),
      'sha256:1',
    );
    await images.import(Readable.from(['tar']), { reference: 'host:5000/a' });
  });
  assert.deepEqual(seen, [
    'GET /containers/json?all=1&filters=%7B%22name%22%3A%5B%22a%20b%22%5D%7D',
    'POST /containers/a%2Fb/stop?signal=INT&t=-1',
    'GET /images/host%3A5000/a/b%3Ac/json',
    'HEAD /_ping',
    'POST /images/create?fromSrc=-&repo=host%3A5000%2Fa&tag=b&changes=CMD%20x&changes=ENV%20a%3Db',
    'HEAD /_ping',
    'POST /images/create?fromSrc=-&repo=host%3A5000%2Fa',
  ]);
});

test('import() fails with the error of a line of progress, and when its tar fails', async () => {
  const answer: Answer = (request, response) => {
    request.on('error', () => {}).resume();
    if (request.method === 'HEAD') response.end();
    else request.on('end', () => response.end('{"status":"x"}\n{"error":"the disk is full"}\n'));
  };
  await withServer({ answer }, async ({ images }) => {
    await assert.rejects(images.import(Readable.from(['tar'])), { message: 'the disk is full' });
    const broken = new Readable({ read() {} });
    const importing = images.import(broken);
    setImmediate(() => broken.destroy(new Error('cannot read the tar')));
    await assert.rejects(importing, /cannot read the tar/);
  });
});

test('attach() is a stream both ways: input with an end, output taken apart', async () => {
  const upgrade: Upgrade = (_, socket) => {
    sendHead(socket, 'application/vnd.docker.multiplexed-stream');
    let input = '';
    socket.on('data', (chunk: Buffer) => (input += chunk.toString()));
    socket.on('end', () => {
      socket.write(frame('stdout', Buffer.from(`got ${input}`)));
      socket.end(frame('stderr', Buffer.from('bye')));
    });
  };
  await withServer({ upgrade }, async ({ containers }) => {
    const stream = await containers.attach('x', { stdin: true, stdout: true, stderr: true });
    const stdout = new PassThrough();
    const stderr = new PassThrough();
    const sent = stream.sendFrom(Readable.from([Buffer.from('one '), Buffer.from('two')]));
    await stream.copyTo({ stdout, stderr });
    await sent;
    assert.equal(stdout.read()?.toString(), 'got one two');
    assert.equal(stderr.read()?.toString(), 'bye');
  });
});

test('a terminal is raw: all its output is stdout', async () => {
  const upgrade: Upgrade = (_, socket) => {
    sendHead(socket, 'application/vnd.docker.raw-stream');
    socket.end('\u0001\u0000 plain');
  };
  await withServer({ upgrade }, async ({ execs }) => {
    const stream = await execs.start('x', { tty: true });
    const stdout = new PassThrough();
    await stream.copyTo({ stdout });
    assert.equal(stdout.read()?.toString(), '\u0001\u0000 plain');
  });
});

test('attach() reports what the daemon refuses', async () => {
  const upgrade: Upgrade = (_, socket) => {
    const body = '{"message":"No such container: x"}';
    socket.end(`HTTP/1.1 404 Not Found\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  };
  await withServer({ upgrade }, async ({ containers }) => {
    await assert.rejects(containers.attach('x', {}), { kind: 'not-found', message: 'No such container: x' });
  });
});

test('copyTo() waits for a slow sink and loses nothing', async () => {
  const size = 3 * 1024 * 1024;
  const upgrade: Upgrade = (_, socket) => {
    sendHead(socket, 'application/vnd.docker.multiplexed-stream');
    for (let sent = 0; sent < size; sent += 1024 * 64) socket.write(frame('stdout', Buffer.alloc(1024 * 64, 'x')));
    socket.end();
  };
  await withServer({ upgrade }, async ({ containers }) => {
    const stream = await containers.attach('x', { stdout: true });
    const slow = new PassThrough({ highWaterMark: 1000 });
    const copied = stream.copyTo({ stdout: slow }).then(() => slow.end());
    assert.equal((await text(slow)).length, size);
    await copied;
  });
});

test('watchExit() resolves with the head of the answer, its exit with the body', async () => {
  let finish = (): void => {};
  const answer: Answer = (_, response) => {
    response.flushHeaders();
    finish = () => void response.end('{"StatusCode":7}');
  };
  await withServer({ answer }, async ({ containers }) => {
    const { exit } = await containers.watchExit('x', 'next-exit');
    finish();
    assert.deepEqual(await exit, { code: 7, error: '' });
  });
});

test('logs() comes apart by stream when iterated', async () => {
  const answer: Answer = (request, response) => {
    assert.equal(request.url, '/containers/x/logs?stdout=1&follow=1&tail=5');
    response.setHeader('Content-Type', 'application/vnd.docker.multiplexed-stream');
    response.write(frame('stdout', Buffer.from('a\n')));
    response.end(frame('stderr', Buffer.from('b\n')));
  };
  await withServer({ answer }, async ({ containers }) => {
    const pieces: string[] = [];
    for await (const { stream, data } of await containers.logs('x', { stdout: true, follow: true, tail: '5' })) {
      pieces.push(`${stream} ${data.toString()}`);
    }
    assert.deepEqual(pieces, ['stdout a\n', 'stderr b\n']);
  });
});

test('events() keeps nanoseconds, whole lines, and ends when it is aborted', async () => {
  const answer: Answer = (_, response) => {
    response.write('{"Type":"container","Action":"start","timeNano":1795235762000000005}\n{"Type":"ima');
    setImmediate(() => response.write('ge","Action":"import","timeNano":2}\n'));
  };
  await withServer({ answer }, async ({ system }) => {
    const abort = new AbortController();
    const seen: unknown[] = [];
    for await (const event of system.events({ signal: abort.signal })) {
      seen.push([event.Type, event.Action, event.timeNano]);
      if (seen.length === 2) abort.abort();
    }
    assert.deepEqual(seen, [
      ['container', 'start', 1795235762000000005n],
      ['image', 'import', 2],
    ]);
  });
});

test('onUnreachable is asked once, and the call is repeated when it says so', async () => {
  const folder = mkdtempSync(`${tmpdir()}/skiff-client-`);
  const path = `${folder}/socket`;
  const server = createServer((_, response) => response.end('[]'));
  let asked = 0;
  const revive = async (): Promise<boolean> => {
    asked += 1;
    if (asked === 2) await listen(server, path);
    return asked === 2;
  };
  using client = createClient({ host: `unix://${path}`, onUnreachable: revive });
  try {
    await assert.rejects(client.containers.list(), { code: 'client.unreachable', kind: 'unavailable' });
    assert.deepEqual(await client.containers.list(), []);
    assert.deepEqual(await client.containers.list(), []);
    assert.equal(asked, 2);
  } finally {
    server.close();
    server.closeAllConnections();
    rmSync(folder, { recursive: true });
  }
});

test('a connection that breaks in the middle of an answer is reported', async () => {
  const answer: Answer = (request, response) => {
    response.writeHead(200, { 'Content-Length': 100 }).write('[');
    setImmediate(() => request.socket.destroy());
  };
  await withServer({ answer }, async ({ containers }) => {
    await assert.rejects(containers.list(), { code: 'client.broken' });
  });
});

test('an answer that is no JSON is reported with its route', async () => {
  await withServer({ answer: (_, response) => response.end('<html>') }, async ({ containers }) => {
    await assert.rejects(containers.list(), /cannot read the answer to GET \/containers\/json/);
  });
});

test('apiVersion stands in front of paths', async () => {
  const answer: Answer = (request, response) => response.end(JSON.stringify([request.url]));
  await withServer({ answer }, async (_, path) => {
    using client = createClient({ host: `unix://${path}`, apiVersion: '1.44' });
    assert.deepEqual(await client.containers.list(), ['/v1.44/containers/json']);
  });
});
