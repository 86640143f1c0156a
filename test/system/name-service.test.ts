/** The name service under load, and names that links give. `SKIFF_TEST_DNS_SECONDS` makes the load last longer. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { missing } from '../support/needs.ts';
import { World } from '../support/network-world.ts';

const SECONDS = Number(process.env['SKIFF_TEST_DNS_SECONDS'] ?? 0.5);
const IDLE = ['sleep', '1000'];
const needs = missing('root', 'busybox', 'cc', 'ip', 'nsenter', 'unshare');

describe('name service', { skip: needs, timeout: 120_000 }, () => {
  test('ten thousand questions a second in a container are all answered', async () => {
    await using world = await World.start();
    const { containers, http } = world.daemon;
    await world.createNetwork({ Name: 'mine' });
    const body = { Cmd: IDLE, HostConfig: { NetworkMode: 'mine' } };
    const [web, client] = [await containers.begin(body, 'web'), await containers.begin(body, 'client')];
    const ask = async (ms: number) => {
      const command = ['traffic', 'ask', '127.0.0.11', 'web', '10000', `${ms}`];
      return (await containers.exec(client, { Cmd: command })).stdout.trim().split(' ').map(Number);
    };
    // The first ones find the code cold.
    await ask(200);
    assert.deepEqual(await ask(SECONDS * 1000), [SECONDS * 10_000, SECONDS * 10_000]);
    for (const id of [web, client]) await containers.remove(id);
    await http.call('DELETE', '/networks/mine');
  });

  test('links: on a network of the user names of one container, on the default one lines of /etc/hosts', async () => {
    await using world = await World.start();
    const { containers, http } = world.daemon;
    await world.createNetwork({ Name: 'mine' });
    const db = await containers.begin({ Cmd: IDLE, HostConfig: { NetworkMode: 'mine' } }, 'db');
    const other = await containers.begin({ Cmd: IDLE, HostConfig: { NetworkMode: 'mine' } }, 'other');
    const linked = await containers.begin(
      {
        Cmd: IDLE,
        HostConfig: { NetworkMode: 'mine' },
        NetworkingConfig: { EndpointsConfig: { mine: { Links: ['db:Data'] } } },
      },
      'linked',
    );
    const { IPAddress } = await world.endpoint(db, 'mine');
    const look = async (id: string, name: string) => (await containers.exec(id, { Cmd: ['nslookup', name] })).stdout;
    for (const name of ['data', 'data.mine', 'db'])
      assert.match(await look(linked, name), new RegExp(`: ${IPAddress}`));
    assert.doesNotMatch(await look(other, 'data'), new RegExp(IPAddress), 'nobody else has the name');
    await http.call('POST', '/networks/mine/disconnect', { Container: 'other' });
    await http.call('POST', '/networks/mine/connect', { Container: 'other', EndpointConfig: { Links: ['db:data'] } });
    assert.match(await look(other, 'data'), new RegExp(`: ${IPAddress}`), 'connected with a link');

    const old = await containers.begin({ Cmd: IDLE, Hostname: 'house' }, 'old');
    const parent = await containers.begin({ Cmd: IDLE, HostConfig: { Links: ['old:alias', 'old'] } }, 'parent');
    const hosts = async () => (await containers.exec(parent, { Cmd: ['cat', '/etc/hosts'] })).stdout;
    const first = (await world.endpoint(old)).IPAddress;
    assert.match(await hosts(), new RegExp(`^${first}\talias house old\n${first}\told house\n`, 'm'));
    assert.deepEqual((await containers.inspect(parent)).HostConfig['Links'], [
      '/old:/parent/alias',
      '/old:/parent/old',
    ]);
    await containers.stop(old, 0);
    await containers.begin({ Cmd: IDLE }, 'between');
    await containers.start(old);
    const second = (await world.endpoint(old)).IPAddress;
    assert.notEqual(second, first);
    assert.match(await hosts(), new RegExp(`^${second}\talias house old\n`, 'm'), 'it is told of the new address');

    const names = async () => {
      const list = (await http.call('GET', '/containers/json')).json<{ Id: string; Names: string[] }[]>();
      return list.find(({ Id }) => Id === old)!.Names;
    };
    assert.deepEqual(await names(), ['/old', '/parent/alias', '/parent/old']);
    assert.equal((await http.send('DELETE', '/containers/parent/old?link=1')).status, 204);
    assert.equal((await http.send('DELETE', '/containers/parent/old?link=1')).status, 404);
    assert.deepEqual(await names(), ['/old', '/parent/alias']);
    assert.doesNotMatch(await hosts(), /\told house\n/, 'without it');
    const refused = async (HostConfig: object, status: number, message: RegExp) => {
      const created = await http.send('POST', '/containers/create', { Image: 'busybox', Cmd: ['true'], HostConfig });
      const id = created.status === 201 ? created.json<{ Id: string }>().Id : undefined;
      const answer = id === undefined ? created : await http.send('POST', `/containers/${id}/start`);
      assert.equal(answer.status, status, answer.text);
      assert.match(answer.text, message);
      if (id !== undefined) await http.call('DELETE', `/containers/${id}`);
    };
    await refused({ Links: ['nosuch:x'] }, 400, /could not get container for nosuch: No such container: nosuch/);
    await refused({ Links: ['a:b:c'] }, 400, /bad format for links: a:b:c/);
    await refused({ Links: ['old'], NetworkMode: 'host' }, 400, /host type networking can't be used with links/);
    await refused({ Links: ['db'] }, 500, /Cannot link to \/db, as it does not belong to the default network/);
    await containers.stop(old, 0);
    await containers.stop(parent, 0);
    const answer = await http.send('POST', `/containers/${parent}/start`);
    assert.match(answer.text, /Cannot link to a non running container: \/old AS \/parent\/alias/);
    await containers.remove(old);
    await containers.start(parent);
    assert.equal((await containers.inspect(parent)).HostConfig['Links'], null, 'a link ends with what it leads to');
    for (const id of [db, other, linked, parent, 'between']) await containers.remove(id);
    await http.call('DELETE', '/networks/mine');
  });
});
