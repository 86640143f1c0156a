import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { defaultRegistryConfig, type RegistryConfig } from './config.ts';
import { Connections, readPieces, readSmall } from './connections.ts';
import { answer, FakeRegistry } from './fake-registry.ts';

const connections = (config: Partial<RegistryConfig> = {}): Connections =>
  new Connections({ ...defaultRegistryConfig, certificateFolders: [], ...config });

test('a server that takes connections and says nothing is given up, in TLS and after it', async () => {
  const server = createTcpServer((socket) => socket.on('error', () => {}));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    using quick = connections({ connectMs: 40, stallMs: 60 });
    await assert.rejects(quick.send({ method: 'GET', url: new URL(`https://127.0.0.1:${port}/v2/`) }), {
      code: 'registry.noConnection',
      message: `Get "https://127.0.0.1:${port}/v2/": dial tcp: 127.0.0.1:${port}: i/o timeout`,
    });
    await assert.rejects(quick.send({ method: 'GET', url: new URL(`http://127.0.0.1:${port}/v2/`) }), {
      code: 'registry.stalled',
    });
    await assert.rejects(
      quick.send({ method: 'GET', url: new URL(`http://127.0.0.1:${port}/`), signal: AbortSignal.timeout(5) }),
      { name: 'TimeoutError' },
    );
  } finally {
    server.close();
  }
});

test('a proxy that refuses, or is not there, is told from the registry', async () => {
  const proxy = createServer();
  const asked: string[] = [];
  proxy.on('connect', (request, socket) => {
    asked.push(`${request.url} ${request.headers['proxy-authorization']}`);
    socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n');
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const check = async (httpsProxy: string, message: string): Promise<void> => {
    using through = connections({ proxies: { httpProxy: '', httpsProxy, noProxy: '' } });
    await assert.rejects(through.send({ method: 'GET', url: new URL('https://reg.test:5000/v2/') }), {
      code: 'registry.unreachable',
      message: `Get "https://reg.test:5000/v2/": ${message}`,
    });
  };
  try {
    const { port } = proxy.address() as AddressInfo;
    await check(`http://u%zz:p%40@127.0.0.1:${port}`, 'Proxy Authentication Required');
    assert.deepEqual(asked, [`reg.test:5000 Basic ${Buffer.from('u%zz:p@').toString('base64')}`]);
    await check('http://127.0.0.1:1', 'proxyconnect tcp: dial tcp 127.0.0.1:1: connect: connection refused');
    await check(`https://127.0.0.1:${port}`, 'proxyconnect tcp: http: server gave HTTP response to HTTPS client');
  } finally {
    proxy.closeAllConnections();
    proxy.close();
  }
});

test('a kept connection that was closed meanwhile is replaced without a word', async () => {
  let connected = 0;
  const server = createTcpServer((socket) => {
    connected += 1;
    let served = 0;
    socket.on('error', () => {});
    socket.on('data', () => {
      served += 1;
      if (served > 1) socket.resetAndDestroy();
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    using kept = connections();
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    for (let turn = 0; turn < 3; turn += 1) {
      assert.equal((await readSmall(await kept.send({ method: 'GET', url }), 10, 1000, undefined)).toString(), 'ok');
    }
    assert.equal(connected, 3);
  } finally {
    server.close();
  }
});

test('what fails while the body is read from our own side is told as it is', async () => {
  await using registry = await FakeRegistry.start();
  using sending = connections();
  const failure = new Error('disk');
  const open = (): Readable =>
    new Readable({
      read() {
        this.destroy(failure);
      },
    });
  const body = { bytes: 10, open, contentType: 'x/y' };
  const url = new URL(`http://${registry.host}/v2/a/blobs/uploads/`);
  await assert.rejects(sending.send({ method: 'PUT', url, body }), failure);
});

test('an answer that comes before the body was sent ends the sending', async () => {
  await using registry = await FakeRegistry.start();
  registry.intercept(({ response }) => {
    answer(response, 413, {}, 'too much');
    return true;
  });
  using sending = connections();
  let given = 0;
  const source = new Readable({
    read() {
      given += 65_536;
      setImmediate(() => this.push(Buffer.alloc(65_536)));
    },
  });
  const body = { bytes: 10 ** 12, open: () => source, contentType: 'x/y' };
  const got = await sending.send({ method: 'PUT', url: new URL(`http://${registry.host}/`), body });
  assert.equal(got.status, 413);
  assert.equal(await text(got.body), 'too much');
  assert.ok(source.destroyed);
  assert.ok(given < 10 ** 9, `${given} bytes were read`);
});

test('a reader that is slow itself is no stall; a body that is too long is refused', async () => {
  await using registry = await FakeRegistry.start();
  registry.intercept(({ response }) => {
    answer(response, 200, {}, Buffer.alloc(1_000_000));
    return true;
  });
  using reading = connections({ stallMs: 300 });
  const url = new URL(`http://${registry.host}/`);
  let size = 0;
  for await (const piece of readPieces(await reading.send({ method: 'GET', url }), 300, undefined)) {
    if (size === 0) await new Promise((resolve) => setTimeout(resolve, 700));
    size += piece.length;
  }
  assert.equal(size, 1_000_000);
  await assert.rejects(readSmall(await reading.send({ method: 'GET', url }), 1000, 1000, undefined), {
    code: 'registry.tooLarge',
  });
});
