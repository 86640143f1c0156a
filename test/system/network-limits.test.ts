/** Limits of what containers receive and send, measured with real traffic; set by flags, options, labels, and changed live. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { missing } from '../support/needs.ts';
import { World } from '../support/network-world.ts';

const MEASURE_MS = 400;
const needs = missing('root', 'busybox', 'cc', 'ip', 'tc', 'nsenter', 'unshare');

describe('limits of networks', { skip: needs, timeout: 120_000 }, () => {
  test('a container receives and sends no faster than it may, also after an update and on a network it joined', async () => {
    await using world = await World.start();
    const { containers, http } = world.daemon;
    const idle = { Cmd: ['sleep', '1000'] };
    const free = await containers.begin(idle, 'free');
    const limited = await containers.begin(
      {
        ...idle,
        HostConfig: { NetworkLimits: { RateIn: '40mbit', BurstIn: '32k', RateOut: '20mbit', BurstOut: '32k' } },
      },
      'limited',
    );
    /** Megabits per second. */
    const rate = async (from: string, to: string, network = 'bridge'): Promise<number> => {
      const { IPAddress } = await world.endpoint(to, network);
      const taken = containers.exec(to, { Cmd: ['traffic', 'sink', '5001'] });
      await containers.exec(from, { Cmd: ['traffic', 'source', IPAddress, '5001', `${MEASURE_MS}`] });
      const { stdout, stderr } = await taken;
      const [bytes = 0, ms = 0] = stdout.split(' ').map(Number);
      assert.ok(ms > 0, stdout + stderr);
      return (bytes * 8) / ms / 1000;
    };
    const isAbout = (measured: number, limit: number, what: string): void =>
      assert.ok(measured > limit * 0.6 && measured < limit * 1.2, `${what}: ${measured} of ${limit} Mbit/s`);
    isAbout(await rate(free, limited), 40, 'received');
    isAbout(await rate(limited, free), 20, 'sent');

    const inspected = await containers.inspect(limited);
    assert.deepEqual(inspected.HostConfig['NetworkLimits'], {
      RateIn: '40mbit',
      BurstIn: '32k',
      RateOut: '20mbit',
      BurstOut: '32k',
    });
    const limits = (await world.endpoint(limited)).Limits;
    assert.deepEqual(limits, { RateIn: 40_000_000, BurstIn: 32_768, RateOut: 20_000_000, BurstOut: 32_768 });

    const update = (NetworkLimits: object) => http.send('POST', `/containers/${limited}/update`, { NetworkLimits });
    assert.equal((await update({ RateIn: 'none', BurstIn: 'none', RateOut: '60mbit' })).status, 200);
    assert.ok((await rate(free, limited)) > 100, 'free again');
    isAbout(await rate(limited, free), 60, 'sent after the update');
    const refused = await update({ RateOut: '0mbit' });
    assert.equal(refused.status, 400);
    assert.match(refused.text, /invalid skiff\.network\.rate-out \\?"0mbit\\?": no less than 8kbit/);
    isAbout(await rate(limited, free), 60, 'as before the refusal');

    await world.createNetwork({ Name: 'other' });
    await http.call('POST', '/networks/other/connect', {
      Container: 'limited',
      EndpointConfig: { DriverOpts: { 'skiff.network.rate-out': '30mbit' } },
    });
    await http.call('POST', '/networks/other/connect', { Container: 'free' });
    isAbout(await rate(limited, free, 'other'), 30, "the endpoint's own");
    await http.call('POST', `/containers/${limited}/restart?t=0`);
    isAbout(await rate(limited, free), 60, 'after a restart');
  });

  test('by labels and options, of which the nearer one is taken; what cannot be is refused', async () => {
    await using world = await World.start();
    const { containers, http } = world.daemon;
    const Labels = { 'skiff.network.rate-in': '10mbit', 'skiff.network.rate-out': '10mbit' };
    await world.createNetwork({ Name: 'mine' });
    const EndpointsConfig = { mine: { DriverOpts: { 'skiff.network.rate-in': '5mbit' } } };
    const id = await containers.begin({
      Cmd: ['sleep', '1000'],
      Labels,
      HostConfig: { NetworkMode: 'mine' },
      NetworkingConfig: { EndpointsConfig },
    });
    const { Limits } = await world.endpoint(id, 'mine');
    assert.deepEqual(Limits, { RateIn: 5_000_000, BurstIn: 32_768, RateOut: 10_000_000, BurstOut: 32_768 });
    assert.match(world.here('tc', 'qdisc'), /tbf 1: dev veth\S+ root .*rate 5Mbit burst 32Kb/);
    await containers.remove(id);

    const create = (body: object) =>
      http.send('POST', '/containers/create', { Image: 'busybox', Cmd: ['true'], ...body });
    for (const [body, status, message] of [
      [{ Labels: { 'skiff.network.rate-in': '10' } }, 400, /bits per second, with a unit/],
      [{ HostConfig: { NetworkLimits: { BurstIn: '64k' } } }, 400, /of no use without skiff\.network\.rate-in/],
      [{ HostConfig: { NetworkLimits: { RateIn: '1mbit', BurstIn: '60' } } }, 400, /invalid skiff\.network\.burst-in/],
      [{ HostConfig: { NetworkLimits: { RateIn: 5 } } }, 400, /NetworkLimits\.RateIn has to be a string/],
      [{ HostConfig: { NetworkMode: 'host', NetworkLimits: { RateIn: '1mbit' } } }, 400, /no interfaces of its own/],
    ] as const) {
      const answer = await create(body);
      assert.equal(answer.status, status, answer.text);
      assert.match(answer.text, message);
    }
    await http.call('POST', '/networks/create', { Name: 'wide', Driver: 'macvlan', Options: { parent: 'lan' } });
    const wide = await containers.create({
      Cmd: ['true'],
      HostConfig: { NetworkMode: 'wide', NetworkLimits: { RateIn: '1mbit' } },
    });
    const refused = await http.send('POST', `/containers/${wide}/start`);
    assert.equal(refused.status, 501, refused.text);
    await containers.remove(wide);
    for (const name of ['mine', 'wide']) await http.call('DELETE', `/networks/${name}`);
  });
});
