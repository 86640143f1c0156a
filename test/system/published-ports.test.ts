/** Published ports where the kernel alone does not lead there: ::1, hosts that drop what is forwarded, the host's own rules. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, test } from 'node:test';
import { sh } from '../support/containers.ts';
import { eventually } from '../support/eventually.ts';
import { missing } from '../support/needs.ts';
import { World } from '../support/network-world.ts';

const WEB = sh('echo hello > /mnt/index.html; exec httpd -f -v -p 80 -h /mnt');
const on = (ports: Record<string, object[]>) => ({ Cmd: WEB, HostConfig: { PortBindings: ports } });
const NFT_INPUT =
  'table inet host { chain input { type filter hook input priority 0; tcp dport 8080 iifname "lan" drop\n}\n}';
const NFT_FORWARD = ['ip', 'ip6']
  .map((family) => `table ${family} filter { chain FORWARD { type filter hook forward priority 0; policy drop\n}\n}`)
  .join('\n');

const needs = missing('root', 'busybox', 'ip', 'curl', 'nft', 'nsenter', 'unshare');

describe('published ports', { skip: needs, timeout: 240_000 }, () => {
  test('on ::1 a listener of the daemon serves them, for as long as they are published', async () => {
    await using world = await World.start();
    const { containers } = world.daemon;
    const web = await containers.begin(
      on({
        '80/tcp': [
          { HostPort: '8080' },
          { HostIp: '::1', HostPort: '8081' },
          { HostIp: '127.0.0.1', HostPort: '8082' },
        ],
      }),
      'web',
    );
    await world.listening(web);
    for (const port of [8080, 8081]) assert.equal(world.fetch(`[::1]:${port}`), 'hello\n', `${port}`);
    assert.equal(world.fetch('127.0.0.1:8080'), 'hello\n');
    assert.equal(world.fetch('[::1]:8082'), 7, 'published for 127.0.0.1 only');
    await world.daemon.end('SIGKILL');
    await world.daemon.start('--bridge=skiff0');
    await eventually('it is served again after a restart', () => world.fetch('[::1]:8080') === 'hello\n');

    const second = await containers.create(on({ '80/tcp': [{ HostIp: '::1', HostPort: '8081' }] }), 'second');
    const refused = await world.daemon.http.send('POST', `/containers/${second}/start`);
    assert.match(refused.text, /port 8081 is already taken by container web/);
    await containers.remove(web);
    assert.equal(world.fetch('[::1]:8080'), 7, 'closed with the container');

    const [program = '', ...args] = [
      ...world.network.enter,
      process.execPath,
      '-e',
      "require('net').createServer().listen(8083, '::1')",
    ];
    const other = spawn(program, args, { stdio: 'ignore' });
    await eventually('another program listens', () => world.here('ss', '-ltn').includes(':8083'));
    const third = await containers.create(on({ '80/tcp': [{ HostPort: '8083' }] }), 'third');
    const taken = await world.daemon.http.send('POST', `/containers/${third}/start`);
    assert.match(taken.text, /port 8083 is already taken by \S+ \(pid \d+\)/);
    other.kill('SIGKILL');
  });

  test('nobody else takes a published port, and it is served from here where the rules were flushed', async () => {
    await using world = await World.start();
    const { containers } = world.daemon;
    await world.createNetwork({ Name: 'dual', EnableIPv6: true });
    const body = on({ '80/tcp': [{ HostPort: '8080' }] });
    const web = await containers.begin({ ...body, HostConfig: { ...body.HostConfig, NetworkMode: 'dual' } }, 'web');
    await world.listening(web);
    for (const url of ['127.0.0.1:8080', '[::1]:8080']) assert.equal(world.fetch(url), 'hello\n', url);
    for (const url of ['10.9.0.1:8080', '[fd09::1]:8080']) {
      assert.equal(world.fetch(url, world.neighbour), 'hello\n', url);
    }
    for (const host of ['0.0.0.0', '127.0.0.1', '::', '::1']) {
      const script = `require('net').createServer().listen({ port: 8080, host: '${host}', ipv6Only: true })`;
      assert.throws(() => world.here(process.execPath, '-e', script), /EADDRINUSE/, host);
    }
    world.here('nft', 'flush', 'ruleset');
    for (const url of ['127.0.0.1:8080', '10.9.0.1:8080', '[::1]:8080']) assert.equal(world.fetch(url), 'hello\n', url);
    await containers.remove(web);
    assert.equal(world.fetch('127.0.0.1:8080'), 7);
    await world.daemon.http.call('DELETE', '/networks/dual');
  });

  test('where iptables drop what is forwarded, our bridges are added, and taken out again', async () => {
    await using world = await World.start();
    const chain = () => world.here('nft', 'list', 'chain', 'ip', 'filter', 'FORWARD');
    world.here('nft', NFT_FORWARD);
    const { containers, http } = world.daemon;
    await world.createNetwork({ Name: 'one', Options: { 'com.docker.network.bridge.name': 'br-one' } });
    assert.match(chain(), /iifname "skiff0" accept[^]*oifname "skiff0" accept[^]*iifname "br-one" accept/);
    const web = await containers.begin(on({ '80/tcp': [{ HostPort: '8080' }] }), 'web');
    await world.listening(web);
    assert.equal(world.fetch('10.9.0.1:8080', world.neighbour), 'hello\n');
    world.here('nft', 'add rule ip filter FORWARD ip saddr 10.9.0.77 counter drop');
    await http.call('DELETE', '/networks/one');
    assert.doesNotMatch(chain(), /br-one/);
    assert.equal(chain().match(/skiff0/g)!.length, 2 * 2, 'once each, with its comment');
    await containers.remove(web);
    await world.daemon.end();
    assert.doesNotMatch(chain(), /skiff/);
    assert.match(chain(), /10\.9\.0\.77/, "others' rules stay");
    world.here('nft', 'delete table ip filter; delete table ip6 filter');
  });

  test("with --publish-mode=listen ports obey the host's input rules", async () => {
    await using world = await World.start('--publish-mode=listen');
    const { containers } = world.daemon;
    const web = await containers.begin(on({ '80/tcp': [{ HostPort: '8080' }, { HostPort: '8081' }] }), 'web');
    await world.listening(web);
    world.here('nft', NFT_INPUT);
    assert.equal(world.fetch('10.9.0.1:8080', world.neighbour), 28, 'the rule drops it');
    for (const url of ['10.9.0.1:8081']) assert.equal(world.fetch(url, world.neighbour), 'hello\n', url);
    for (const url of ['127.0.0.1:8080', '10.9.0.1:8080', '[::1]:8081']) assert.equal(world.fetch(url), 'hello\n', url);
    world.here('nft', 'delete table inet host');
    await world.daemon.end('SIGKILL');
    await world.daemon.start('--bridge=skiff0', '--publish-mode=listen');
    await eventually('served again', () => world.fetch('10.9.0.1:8080', world.neighbour) === 'hello\n');
    await containers.remove(web);
    assert.equal(world.fetch('10.9.0.1:8080', world.neighbour), 7);
    const sctp = await containers.create(on({ '80/sctp': [{ HostPort: '8080' }] }));
    const refused = await world.daemon.http.send('POST', `/containers/${sctp}/start`);
    assert.equal(refused.status, 501, refused.text);
    await containers.remove(sctp);
  });
});
