import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { openRelay } from './relay.ts';

/** A port of ::1 that is free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '::1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

test('streams pass both ways, the half that is closed first too', async () => {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.setEncoding('utf8');
    let said = '';
    socket.on('data', (piece: string) => (said += piece));
    socket.on('end', () => socket.end(`got ${said}`));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: containerPort } = server.address() as AddressInfo;
  const hostPort = await freePort();
  const wish = { protocol: 'tcp', hostIp: '::1', hostPort, address: '127.0.0.1', containerPort } as const;
  using relay = await openRelay(wish);
  assert.ok(relay);
  const client = connect({ host: '::1', port: hostPort });
  client.end('all of it');
  assert.equal(await text(client), 'got all of it');
  await assert.rejects(openRelay(wish), { code: 'EADDRINUSE' });
  server.close();
});

test('a server that is not there breaks the connection off', async () => {
  const [containerPort, hostPort] = [await freePort(), await freePort()];
  using relay = await openRelay({ protocol: 'tcp', hostIp: '::1', hostPort, address: '::1', containerPort });
  assert.ok(relay);
  const client = connect({ host: '::1', port: hostPort });
  client.on('error', () => {});
  await once(client, 'close');
});

test('datagrams come back to the client that asked', async () => {
  const server = createSocket('udp4');
  server.on('message', (message, { port, address }) =>
    server.send(Buffer.from(`got ${String(message)}`), port, address),
  );
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  const hostPort = await freePort();
  const containerPort = server.address().port;
  const relay = await openRelay({ protocol: 'udp', hostIp: '::1', hostPort, address: '127.0.0.1', containerPort });
  const clients = ['one', 'two'].map((name) => ({ name, socket: createSocket('udp6') }));
  for (const { name, socket } of clients) socket.send(name, hostPort, '::1');
  for (const { name, socket } of clients) {
    const [answer] = (await once(socket, 'message')) as [Buffer];
    assert.equal(String(answer), `got ${name}`);
    socket.close();
  }
  relay[Symbol.dispose]();
  server.close();
});
