/**
 * What happens to a container, or to its client, in the middle of something else: each would be lost, or would be there twice,
 * if an operation went by what it saw when it began.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { sh } from '../support/containers.ts';
import { useDaemon } from '../support/daemon.ts';
import { eventually, pause } from '../support/eventually.ts';
import { collect, demultiplex, Http } from '../support/http.ts';
import { processesOf } from '../support/leaks.ts';
import { missing } from '../support/needs.ts';

/** With this device a start waits in a hook until the file `open` is there. */
const GATE = (folder: string): string => `
cdiVersion: "0.7.0"
kind: test.gate/gate
devices:
  - name: gate
    containerEdits:
      hooks: [{ hookName: createRuntime, path: ${folder}/hook, args: [hook, "${folder}"] }]
`;
const HOOK = '#!/bin/sh\ntouch "$1/at-$$"\nuntil [ -e "$1/open" ]; do sleep 0.02; done\nrm "$1/at-$$"\n';

describe('in the middle of something else', { skip: missing('root', 'busybox'), timeout: 60_000 }, () => {
  const folder = mkdtempSync('/tmp/skiff-gate-');
  after(() => rmSync(folder, { recursive: true }));
  writeFileSync(`${folder}/gate.yaml`, GATE(folder));
  writeFileSync(`${folder}/hook`, HOOK);
  chmodSync(`${folder}/hook`, 0o755);
  const flags = [`--cdi-spec-dir=${folder}`];
  const daemon = useDaemon(...flags);
  const { containers, http } = daemon;
  const again = async (): Promise<void> => {
    assert.equal(await daemon.end(), 0);
    await daemon.start(...flags);
  };

  test('a stop between two runs is remembered, also when the next run is on its way', async () => {
    writeFileSync(`${folder}/open`, '');
    const id = await containers.begin({
      Cmd: sh('[ -e /again ] && exec sleep 1000; touch /again; exit 1'),
      HostConfig: {
        NetworkMode: 'none',
        RestartPolicy: { Name: 'unless-stopped' },
        DeviceRequests: [{ Driver: 'cdi', DeviceIDs: ['test.gate/gate=gate'] }],
      },
    });
    rmSync(`${folder}/open`);
    await eventually('it is on its way', () => globSync(`${folder}/at-*`).length === 1, 10_000);
    assert.equal((await containers.inspect(id)).State.Status, 'restarting');
    const stopped = http.call('POST', `/containers/${id}/stop?t=0`);
    await pause(100);
    writeFileSync(`${folder}/open`, '');
    await stopped;
    assert.equal((await containers.inspect(id)).State.Status, 'exited');
    await again();
    assert.equal((await containers.inspect(id)).State.Status, 'exited', 'it was stopped by its user');
    await containers.remove(id);
  });

  test('who attaches while a container is being made hears all of it', async () => {
    // Each is mounted at the start, which takes a moment.
    const Mounts = Array.from({ length: 12 }, (_, index) => ({
      ...{ Type: 'volume', Source: `ram-${index}`, Target: `/ram-${index}` },
      VolumeOptions: { DriverConfig: { Options: { type: 'tmpfs', device: 'tmpfs' } } },
    }));
    const id = await containers.create({
      Cmd: sh('sleep 0.3; echo heard'),
      HostConfig: { NetworkMode: 'none', Mounts },
    });
    for (let turn = 0; turn < 4; turn++) {
      const started = containers.start(id);
      await pause(4);
      const output = demultiplex(await collect(await containers.attach(id))).stdout.toString();
      await started;
      assert.equal(output, 'heard\n', `in turn ${turn}`);
      await containers.wait(id);
    }
    await containers.remove(id);
    for (const { Source } of Mounts) await http.call('DELETE', `/volumes/${Source}`);
  });

  test('a restart does not take a container of --rm away, its end does', async () => {
    const Cmd = sh('trap "" TERM; sleep 1000 & sleep 1000 & sleep 1000');
    const id = await containers.begin({ Cmd, HostConfig: { NetworkMode: 'none', AutoRemove: true } });
    for (let turn = 0; turn < 4; turn++) {
      const before = (await containers.inspect(id)).State.StartedAt;
      await http.call('POST', `/containers/${id}/restart?t=0`);
      assert.notEqual((await containers.inspect(id)).State.StartedAt, before);
    }
    const gone = containers.wait(id, 'removed');
    await containers.kill(id);
    assert.equal(await gone, 137);
    assert.equal((await http.send('GET', `/containers/${id}/json`)).status, 404);
  });

  test('patience may be longer than a timer of Node’s', async () => {
    const host = { HostConfig: { NetworkMode: 'none' } };
    const hour = 3600e9;
    const id = await containers.begin({ Cmd: sh('trap "sleep 0.2; exit 3" TERM; sleep 1000 & wait'), ...host });
    const Test = ['CMD', 'sleep', '0.02'];
    const rarely = await containers.begin({
      ...{ Cmd: ['sleep', '1000'], ...host },
      Healthcheck: { Test, Interval: 1000 * hour },
    });
    const patiently = await containers.begin({
      ...{ Cmd: ['sleep', '1000'], ...host },
      Healthcheck: { Test, Interval: 50e6, Timeout: 2000 * hour, Retries: 1 },
    });
    const healthOf = async (each: string) => {
      const { State } = (await http.call('GET', `/containers/${each}/json`)).json<{
        State: { Health: { Status: string; Log: unknown[] } };
      }>();
      return State.Health;
    };
    await eventually('a probe ends', async () => (await healthOf(patiently)).Log.length > 0);
    assert.equal((await healthOf(patiently)).Status, 'healthy');
    assert.deepEqual((await healthOf(rarely)).Log, []);
    await http.call('POST', `/containers/${id}/stop?t=3000000`);
    assert.equal((await containers.inspect(id)).State.ExitCode, 3, 'it was given its time');
    for (const each of [id, rarely, patiently]) await containers.remove(each);
  });

  test('nothing starts while the daemon stops', async () => {
    const HostConfig = { NetworkMode: 'none' };
    const id = await containers.create({ Cmd: ['sleep', '1000'], HostConfig });
    const slow = await containers.begin({
      ...{ Cmd: sh('trap "touch /going; sleep 0.5; exit 0" TERM; sleep 1000 & wait'), HostConfig },
    });
    await pause(100);
    const ended = daemon.end();
    await eventually('it stops', () => existsSync(`${daemon.dataRoot}/containers/${slow}/diff/going`));
    const { status, text } = await new Http(daemon.socket).send('POST', `/containers/${id}/start`);
    assert.deepEqual(
      [status, JSON.parse(text)],
      [503, { message: 'no container is started any more: the daemon is shutting down' }],
    );
    assert.equal(await ended, 0);
    assert.deepEqual(
      processesOf(daemon.traces).filter(({ command }) => command.includes(id)),
      [],
    );
    await daemon.start(...flags);
    assert.equal((await containers.inspect(id)).State.Status, 'created');
    for (const each of [id, slow]) await containers.remove(each);
  });

  test('what is left of a container and cannot be removed does not keep the daemon from starting', async () => {
    const left = `${daemon.dataRoot}/containers/${'f'.repeat(64)}`;
    mkdirSync(`${left}/diff/busy`, { recursive: true });
    assert.equal(spawnSync('mount', ['-t', 'tmpfs', 'none', `${left}/diff/busy`]).status, 0);
    await again();
    assert.match(daemon.output, /what is left of a container could not be removed/);
    assert.equal(spawnSync('umount', [`${left}/diff/busy`]).status, 0);
    await again();
    assert.equal(existsSync(left), false);
  });

  test('clients that do not read cost no more memory than what is on its way', async () => {
    const residentMb = (): number =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${daemon.pid}/status`, 'utf8'))![1]) / 1024;
    const id = await containers.create({
      Cmd: sh(`yes ${'x'.repeat(9999)} | head -c 12000000`),
      Labels: { long: 'x'.repeat(500_000) },
      HostConfig: { NetworkMode: 'none' },
    });
    await containers.start(id);
    await containers.wait(id);
    const listening = await http.stream('/events');
    const before = residentMb();
    const attached = await containers.attach(id, 'logs=1&stdout=1&stderr=1');
    for (let turn = 0; turn < 60; turn++) await http.call('POST', `/containers/${id}/rename?name=renamed-${turn % 2}`);
    await pause(500);
    const grown = residentMb() - before;
    assert.ok(grown < 80, `it has grown by ${grown} MiB`);
    // One that reads after all has the whole log, and is not told of the present as if nothing were missing.
    assert.equal(demultiplex(await collect(attached)).stdout.length, 12_000_000);
    await assert.rejects(collect(listening));
    await containers.remove(id);
  });
});
