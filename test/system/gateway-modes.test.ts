/** How a network's containers and the world reach each other: routed, without protection, isolated, IPv6 alone. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sh } from '../support/containers.ts';
import { eventually } from '../support/eventually.ts';
import { missing } from '../support/needs.ts';
import { World } from '../support/network-world.ts';

const WEB = sh('echo hello > /mnt/index.html; httpd -v -p 81 -h /mnt; exec httpd -f -v -p 80 -h /mnt');
const needs = missing('root', 'busybox', 'ip', 'curl', 'nft', 'nsenter', 'unshare');
const mode = (family: 4 | 6, value: string) => ({ [`com.docker.network.bridge.gateway_mode_ipv${family}`]: value });

describe('gateway modes', { skip: needs, timeout: 120_000 }, () => {
  test('routed: published ports are open on the container, nothing is translated; unprotected: all ports are', async () => {
    await using world = await World.start('--live-restore');
    const { containers, http } = world.daemon;
    world.there('ip', 'route', 'add', '10.87.0.0/16', 'via', '10.9.0.1');
    world.there('ip', 'route', 'add', 'fd87::/16', 'via', 'fd09::1');
    const create = (Name: string, number: number, Options: object) =>
      world.createNetwork({
        Name,
        EnableIPv6: true,
        Options,
        IPAM: { Config: [{ Subnet: `10.87.${number}.0/24` }, { Subnet: `fd87:${number}::/64` }] },
      });
    await create('routed', 1, { ...mode(4, 'routed'), ...mode(6, 'routed') });
    await create('mixed', 2, { ...mode(4, 'nat-unprotected'), ...mode(6, 'routed') });
    const begin = (NetworkMode: string, HostPort: string) =>
      containers.begin(
        { Cmd: WEB, HostConfig: { NetworkMode, PortBindings: { '80/tcp': [{ HostPort }] } } },
        `web-${NetworkMode}`,
      );
    const routed = await begin('routed', '8080');
    await world.listening(routed);
    const fetch = (url: string, seconds = 2) => world.fetch(url, world.neighbour, seconds);
    const check = () => {
      for (const host of ['10.87.1.2', '[fd87:1::2]']) {
        assert.equal(fetch(`${host}:80`), 'hello\n', host);
      }
      assert.equal(fetch('10.9.0.1:8080'), 7, 'on no port of the host');
    };
    check();
    for (const url of ['10.87.1.2:81', '[fd87:1::2]:81']) assert.equal(fetch(url, 0.4), 28, `${url} is not published`);
    assert.match(world.there('busybox', 'ping', '-c', '1', '-w', '2', '10.87.1.2'), /1 packets received/);
    const { NetworkSettings } = await containers.inspect(routed);
    assert.deepEqual(NetworkSettings.Ports['80/tcp'], [
      { HostIp: '0.0.0.0', HostPort: '' },
      { HostIp: '::', HostPort: '' },
    ]);
    const { stdout } = await containers.logs(routed);
    assert.match(`${stdout}${(await containers.logs(routed)).stderr}`, /10\.9\.0\.2/, "the client's own address");

    const mixed = await begin('mixed', '8090');
    await world.listening(mixed);
    for (const url of ['10.9.0.1:8090', '10.87.2.2:80', '10.87.2.2:81', '[fd87:2::2]:80']) {
      assert.equal(fetch(url), 'hello\n', url);
    }
    assert.equal(fetch('[fd87:2::2]:81', 0.4), 28);
    assert.equal(world.fetch('[::1]:8090'), 'hello\n', 'the loopback by the daemon');
    await create('trusting', 3, { 'com.docker.network.bridge.trusted_host_interfaces': 'nosuch:lan' });
    const trusting = await begin('trusting', '8070');
    await world.listening(trusting);
    assert.equal(fetch('10.87.3.2:81'), 'hello\n', 'by an interface that is trusted');
    await containers.remove(trusting);
    await world.daemon.end('SIGKILL');
    await world.daemon.start('--bridge=skiff0');
    check();
    await containers.remove(routed);
    await eventually('closed with the container', () => world.openPorts() === 1);
    await containers.remove(mixed);
    for (const name of ['routed', 'mixed', 'trusting']) await http.call('DELETE', `/networks/${name}`);
  });

  test('isolated networks have no address on the host; others are refused to be so; IPv6 alone', async () => {
    await using world = await World.start();
    const { containers, http } = world.daemon;
    const refused = await http.send('POST', '/networks/create', { Name: 'open', Options: mode(4, 'isolated') });
    assert.equal(refused.status, 400);
    assert.match(refused.text, /gateway mode 'isolated' can only be used for an internal network/);
    await world.createNetwork({
      Name: 'apart',
      Internal: true,
      Options: { ...mode(4, 'isolated'), 'com.docker.network.bridge.name': 'br-apart' },
    });
    assert.equal(world.here('ip', '-o', '-4', 'address', 'show', 'br-apart'), '');
    const both = [
      await containers.begin({ Cmd: WEB, HostConfig: { NetworkMode: 'apart' } }, 'one'),
      await containers.begin({ Cmd: ['sleep', '1000'], HostConfig: { NetworkMode: 'apart' } }, 'two'),
    ];
    await world.listening(both[0]!);
    assert.equal((await containers.exec(both[1]!, { Cmd: ['wget', '-q', '-O-', 'http://one/'] })).stdout, 'hello\n');
    for (const id of both) await containers.remove(id);
    await http.call('DELETE', '/networks/apart');

    assert.equal((await http.send('POST', '/networks/create', { Name: 'nothing', EnableIPv4: false })).status, 400);
    await world.createNetwork({ Name: 'six', EnableIPv4: false, EnableIPv6: true });
    const PortBindings = { '80/tcp': [{ HostPort: '8080' }] };
    const six = await containers.begin({ Cmd: WEB, HostConfig: { NetworkMode: 'six', PortBindings } }, 'six');
    await eventually('it listens', () => world.fetch('[fd09::1]:8080', world.neighbour) === 'hello\n');
    assert.equal(world.fetch('127.0.0.1:8080'), 'hello\n', 'IPv4 by the daemon');
    const { stdout } = await containers.exec(six, { Cmd: ['ip', '-o', '-4', 'address', 'show', 'eth0'] });
    assert.equal(stdout, '');
    const answer = await containers.exec(six, { Cmd: sh('nslookup six; ping -c 1 -w 2 fd09::2') });
    assert.match(answer.stdout, /Address: fd[0-9a-f:]+::2\n[^]*1 packets received/);
    const { EnableIPv4, Status } = (await http.call('GET', '/networks/six')).json<{
      EnableIPv4: boolean;
      Status: object;
    }>();
    assert.equal(EnableIPv4, false);
    assert.match(JSON.stringify(Status), /"IPsInUse":3,"DynamicIPsAvailable":9007199254740991/);
    await containers.remove(six);
    await http.call('DELETE', '/networks/six');
  });
});
