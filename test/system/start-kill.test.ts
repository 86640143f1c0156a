/**
 * A daemon killed after it has launched containers and before it could note so: the next one takes up what runs, records what
 * has ended, and ends what was still held. A hook keeps the containers in their plans until the daemon is not there any more.
 */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { type Body, sh } from '../support/containers.ts';
import { eventually, pause } from '../support/eventually.ts';
import { collect } from '../support/http.ts';
import { missing, programPath } from '../support/needs.ts';
import { World } from '../support/network-world.ts';

/** Devices whose hooks wait for the file of their name, and say before that they are there. */
const gates = (folder: string): string => `
cdiVersion: "0.7.0"
kind: test.gate/gate
devices:
${['first', 'late']
  .map(
    (name) => `  - name: ${name}
    containerEdits:
      hooks: [{ hookName: createRuntime, path: ${folder}/hook, args: [hook, "${folder}/${name}"] }]`,
  )
  .join('\n')}
`;
const HOOK = '#!/bin/sh\ntouch "$1-$$"\nuntil [ -e "$1" ]; do sleep 0.02; done\n';

interface Inspect {
  readonly Created: string;
  readonly RestartCount: number;
  readonly State: {
    readonly Status: string;
    readonly Pid: number;
    readonly ExitCode: number;
    readonly StartedAt: string;
    readonly FinishedAt: string;
    readonly Health?: { readonly Status: string };
  };
}

describe('a kill between launch and record', { skip: missing('root', 'busybox', 'ip', 'nft'), timeout: 60_000 }, () => {
  test('runs, has ended, is held, is still being made: each is what its program has come to', async () => {
    const folder = mkdtempSync('/tmp/skiff-gate-');
    writeFileSync(`${folder}/gate.yaml`, gates(folder));
    writeFileSync(`${folder}/hook`, HOOK);
    chmodSync(`${folder}/hook`, 0o755);
    const runc = programPath('runc');
    const flags = [`--cdi-spec-dir=${folder}`, ...(runc === undefined ? [] : [`--add-runtime=other=${runc}`])];
    await using world = await World.start(...flags);
    const { daemon } = world;
    const { containers, http } = daemon;
    await world.createNetwork({ Name: 'named' });

    const create = async (gate: string, { HostConfig, ...body }: Body, name = ''): Promise<string> => {
      const DeviceRequests = [{ Driver: 'cdi', DeviceIDs: [`test.gate/gate=${gate}`] }];
      return containers.create({ ...body, HostConfig: { NetworkMode: 'none', ...HostConfig, DeviceRequests } }, name);
    };
    const web = await create(
      'first',
      {
        Cmd: sh('mkdir /w; echo here > /w/index.html; httpd -p 80 -h /w; echo up; exec sleep 1000'),
        HostConfig: { NetworkMode: 'bridge', PortBindings: { '80/tcp': [{ HostPort: '8088' }] } },
        Healthcheck: { Test: ['CMD', 'true'], Interval: 200_000_000 },
      },
      'web',
    );
    const attached = await create('first', {
      Cmd: sh('echo attached; cat; echo read; exec sleep 1000'),
      OpenStdin: true,
      StdinOnce: true,
    });
    const ended = await create('first', { Cmd: sh('echo once; exit 7') });
    const removed = await create('first', { Cmd: sh('exit 0'), HostConfig: { AutoRemove: true } });
    const again = await create('first', {
      Cmd: sh('echo run; [ -e /again ] && exec sleep 1000; touch /again; exit 3'),
      HostConfig: { RestartPolicy: { Name: 'always' } },
    });
    const held = await create('first', { Cmd: sh('echo ran; sleep 1000'), HostConfig: { NetworkMode: 'named' } });
    const late = await create('late', { Cmd: sh('echo late; exec sleep 1000') });
    // Another runtime has made it, and was not yet told to let its program begin.
    const made = await create('first', {
      Cmd: sh('echo ran; exec sleep 1000'),
      HostConfig: runc === undefined ? { NetworkMode: 'named' } : { Runtime: 'other' },
    });
    const all = [web, attached, ended, removed, again, held, made, late];

    const output = collect(await containers.attach(attached)).catch(() => undefined);
    const starts = all.map((id) => containers.start(id).catch(() => {}));
    await eventually('all are in their plans', () => globSync(`${folder}/*-*`).length === all.length, 15_000);
    // And the daemon has connected who waits to be attached: it does so while they are made.
    await pause(300);
    for (let turn = 0; turn < 5; turn++) await http.call('GET', '/_ping');
    const begun = Date.now();
    const runFolder = (id: string): string => `${daemon.execRoot}/containers/${id}`;
    const pidOf = (id: string): number => Number.parseInt(readFileSync(`${runFolder(id)}/pid`, 'utf8'));
    process.kill(daemon.pid, 'SIGSTOP');
    try {
      writeFileSync(`${folder}/first`, '');
      await eventually(
        'those that end have ended, the others run or are held',
        () => {
          const haveEnded = [ended, removed, again].every((id) => existsSync(`${runFolder(id)}/exit`));
          const areThere = [web, attached, held, made].every((id) => existsSync(`${runFolder(id)}/pid`));
          return haveEnded && areThere && readFileSync(logOf(daemon.dataRoot, attached), 'utf8').includes('attached');
        },
        15_000,
      );
    } finally {
      // Whatever has become of them: one that is stopped answers nobody who would clean up.
      await daemon.end('SIGKILL');
    }
    const pids = new Map([web, attached].map((id) => [id, pidOf(id)]));
    await Promise.all([...starts, output]);
    const gone = Date.now();
    setTimeout(() => writeFileSync(`${folder}/late`, ''), 500);
    await daemon.start('--bridge=skiff0', ...flags);

    const look = async (id: string): Promise<Inspect> => (await http.call('GET', `/containers/${id}/json`)).json();
    for (const id of [web, attached]) {
      const { State } = await look(id);
      assert.deepEqual([State.Status, State.Pid], ['running', pids.get(id)]);
      const startedAt = Date.parse(State.StartedAt);
      assert.ok(begun - 10 <= startedAt && startedAt <= gone, `${State.StartedAt} is when it started`);
    }
    assert.equal(world.fetch('http://127.0.0.1:8088/'), 'here\n', 'its port is published');
    assert.equal(world.ledPorts() > 0, true, 'by the kernel');
    const { IPAddress } = await world.endpoint(web);
    assert.equal(world.fetch(`http://${IPAddress}/`), 'here\n', 'at its address');
    const next = await containers.begin({ Cmd: sh('exec sleep 1000'), HostConfig: { NetworkMode: 'bridge' } });
    assert.notEqual((await world.endpoint(next)).IPAddress, IPAddress, 'which nobody else gets');
    await assert.rejects(
      containers.begin({
        Cmd: ['true'],
        HostConfig: { NetworkMode: 'bridge', PortBindings: { '80/tcp': [{ HostPort: '8088' }] } },
      }),
      /port is already allocated|container web/,
    );
    await eventually('its health is looked at', async () => (await look(web)).State.Health?.Status === 'healthy');
    assert.match((await containers.logs(web)).stdout, /^up\n$/);
    assert.equal((await containers.exec(web, { Cmd: sh('exit 9') })).code, 9);

    // The client's end is the end of its input, as it asked for.
    await eventually('its input ends', async () => (await containers.logs(attached)).stdout === 'attached\nread\n');

    const end = await look(ended);
    assert.deepEqual([end.State.Status, end.State.ExitCode], ['exited', 7]);
    assert.ok(Date.parse(end.State.FinishedAt) >= Date.parse(end.State.StartedAt));
    assert.ok(Date.parse(end.State.FinishedAt) <= gone, 'it ended when it ended');
    assert.equal((await containers.logs(ended)).stdout, 'once\n');
    assert.equal((await http.send('GET', `/containers/${removed}/json`)).status, 404, '--rm');
    await eventually('its policy starts it again', async () => (await look(again)).State.Status === 'running');
    assert.equal((await look(again)).RestartCount, 1);
    assert.equal((await containers.logs(again)).stdout, 'run\nrun\n');

    for (const id of [held, made]) {
      assert.equal((await look(id)).State.Status, 'created', 'nobody was left to let it go');
      assert.equal((await containers.logs(id)).stdout, '');
      await containers.start(id);
      await eventually('it runs', async () => (await containers.logs(id)).stdout === 'ran\n');
    }
    assert.equal((await look(late)).State.Status, 'running', 'it was waited for');
    await eventually('it runs', async () => (await containers.logs(late)).stdout === 'late\n');

    // All ends as any other: their ports, addresses and cgroups are given back.
    await Promise.all([web, attached].map((id) => containers.stop(id, 0)));
    assert.equal((await look(web)).State.Status, 'exited');
    assert.equal(world.ledPorts(), 0);
    await containers.start(web);
    await eventually('its port is published again', () => world.fetch('http://127.0.0.1:8088/') === 'here\n');
    rmSync(folder, { recursive: true, force: true });
  });
});

const logOf = (dataRoot: string, id: string): string => `${dataRoot}/containers/${id}/${id}-json.log`;
