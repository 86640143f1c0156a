/**
 * Real servers of Debian's packages on our networks: PostgreSQL, Redis and nginx, by name from other containers, by
 * published port from their host and from another, over IPv4 and IPv6.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { sh } from '../support/containers.ts';
import { eventually } from '../support/eventually.ts';
import { missing } from '../support/needs.ts';
import { World } from '../support/network-world.ts';
import type { PrivateNetwork } from '../support/network.ts';
import { debianSource, servicesTar } from '../support/rootfs.ts';

const needs =
  missing('root', 'debootstrap', 'apt-config', 'ip', 'curl') ||
  (debianSource() ? false : 'needs a mirror of Debian in apt’s sources');

const POSTGRES = ['host all all 0.0.0.0/0 trust', 'host all all ::/0 trust'].map(
  (line) => `echo "${line}" >> /etc/postgresql/15/main/pg_hba.conf`,
);

describe('servers', { skip: needs, timeout: 600_000 }, () => {
  let world: World;
  const Image = 'services';
  before(async () => {
    const archive = servicesTar();
    world = await World.start();
    await world.daemon.import(archive, Image);
    await world.createNetwork({
      Name: 'back',
      EnableIPv6: true,
      IPAM: { Config: [{ Subnet: '172.31.0.0/24' }, { Subnet: 'fd31::/64' }] },
    });
    const { containers } = world.daemon;
    const on = (port: string) => ({ NetworkMode: 'back', PortBindings: { [`${port}/tcp`]: [{ HostPort: port }] } });
    const postgres = `${POSTGRES.join('; ')}; exec su postgres -c "/usr/lib/postgresql/15/bin/postgres -c config_file=/etc/postgresql/15/main/postgresql.conf -c listen_addresses='*'"`;
    await containers.begin({ Image, Cmd: sh(postgres), HostConfig: on('5432') }, 'db');
    const redis = ['redis-server', '--protected-mode', 'no', '--bind', '*', '-::*'];
    await containers.begin({ Image, Cmd: redis, HostConfig: on('6379') }, 'cache');
    const nginx =
      'ln -sf /dev/stdout /var/log/nginx/access.log; echo page > /var/www/html/index.html; exec nginx -g "daemon off;"';
    await containers.begin({ Image, Cmd: sh(nginx), HostConfig: on('80') }, 'web');
    await containers.begin({ Image, Cmd: ['sleep', '10000'], HostConfig: { NetworkMode: 'back' } }, 'client');
    await containers.begin({ Image, Cmd: ['sleep', '10000'] }, 'outsider');
    await eventually(
      'they listen',
      async () =>
        (await inside('client', 'curl -s web && redis-cli -h cache ping && psql -h db -U postgres -c "select 1"'))
          .code === 0,
      60_000,
    );
  });
  after(() => world[Symbol.asyncDispose]());

  const inside = (container: string, script: string) => world.daemon.containers.exec(container, { Cmd: sh(script) });

  test('by name, from a container of the same network, over both families', async () => {
    for (const [script, expected] of [
      ['curl -s -4 http://web/', 'page\n'],
      ['curl -s -6 http://web/', 'page\n'],
      ['redis-cli -h cache set key value && redis-cli -h cache get key', 'OK\nvalue\n'],
      [
        'psql -h db -U postgres -Atc "create table t (n int); insert into t select generate_series(1, 1000); select sum(n) from t"',
        'CREATE TABLE\nINSERT 0 1000\n500500\n',
      ],
      ['getent ahostsv6 db | cut -d" " -f1 | sort -u | cut -c1-6', 'fd31::\n'],
    ] as const) {
      const { code, stdout, stderr } = await inside('client', script);
      assert.deepEqual([code, stdout], [0, expected], `${script}: ${stderr}`);
    }
    assert.notEqual((await inside('outsider', 'curl -s -m 2 http://web/')).code, 0, 'no name on another network');
  });

  test('by published port, from their host and from another, by each of its addresses', async () => {
    const { network, neighbour } = world;
    const ways: readonly [PrivateNetwork, string][] = [
      [network, '127.0.0.1'],
      [network, '10.9.0.1'],
      [network, '[fd09::1]'],
      [neighbour, '10.9.0.1'],
      [neighbour, '[fd09::1]'],
    ];
    for (const [from, host] of ways) {
      assert.equal(world.fetch(`http://${host}/`, from), 'page\n', host);
      assert.equal(await said(from, host, 6379, 'PING\r\n'), '+PONG', host);
      // The answer to a wish for TLS is one letter.
      assert.match(await said(from, host, 5432, '\0\0\0\b\x04\xd2\x16\x2f'), /^[SN]$/, host);
    }
    assert.equal((await inside('outsider', 'curl -s http://10.9.0.1/')).stdout, 'page\n', 'from another network');
    const { stdout: log } = await world.daemon.containers.logs('web');
    assert.match(log, /^10\.9\.0\.2 - /m, 'nginx sees the address of the other host');
    assert.match(log, /^fd09::2 - /m);
  });

  test('two hundred published ports take no process', async () => {
    const { containers } = world.daemon;
    const PortBindings = Object.fromEntries(
      Array.from({ length: 200 }, (_, index) => [`${1000 + index}/tcp`, [{ HostPort: String(20_000 + index) }]]),
    );
    const before = processes();
    const id = await containers.begin({ Image, Cmd: ['sleep', '1000'], HostConfig: { PortBindings } });
    const more = processes() - before;
    assert.equal(more, 1, 'its shim');
    await containers.remove(id);
  });

  /** Of the daemon's host: other tests have theirs beside it, and the container has its own. */
  function processes(): number {
    const here = world.here('readlink', '/proc/self/ns/net').trim();
    const places = world.here('sh', '-c', 'readlink /proc/[0-9]*/ns/net || true').split('\n');
    return places.filter((place) => place === here).length;
  }

  /** What a server answers to some bytes, in its first piece. */
  async function said(from: PrivateNetwork, host: string, port: number, bytes: string): Promise<string> {
    const program = `
      const socket = require('node:net').connect(${port}, ${JSON.stringify(host.replace(/[[\]]/g, ''))});
      socket.write(Buffer.from(${JSON.stringify(bytes)}, 'latin1'));
      socket.once('data', (data) => { process.stdout.write(data); process.exit(); });
      socket.setTimeout(5000, () => process.exit(1));`;
    const [command, ...args] = [...from.enter, process.execPath, '-e', program];
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await once(child, 'close');
    return text.trimEnd();
  }
});
