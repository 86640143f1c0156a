/** What containers have of others and of vendors' devices: namespaces, memory, CDI, annotations; and no network at all. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { type Body, sh } from '../support/containers.ts';
import { Daemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { missing } from '../support/needs.ts';

/** Two devices of a vendor's in YAML, and a hook that keeps what it is told. */
const described = (folder: string): string => `
cdiVersion: "0.7.0"
kind: vendor.test/thing
containerEdits:
  env: [THINGS=here]
devices:
  - name: one
    containerEdits:
      env: ["THING=1"]
      additionalGids: [4711]
      deviceNodes:
        - path: /dev/thing
          hostPath: /dev/null
          permissions: r
      mounts:
        - hostPath: ${folder}/library
          containerPath: /usr/lib/thing.so
          options: [ro, nosuid, rbind]
      hooks:
        - hookName: createContainer
          path: ${folder}/hook
          args: [hook, ${folder}/told]
  - name: absent
    containerEdits:
      deviceNodes: [{ path: /dev/no-such-device }]
`;

describe('shared and described', { skip: missing('root', 'busybox'), timeout: 60_000 }, () => {
  const daemon = new Daemon();
  const { containers, http } = daemon;
  const folder = mkdtempSync('/tmp/skiff-cdi-');

  before(async () => {
    writeFileSync(`${folder}/vendor.yaml`, described(folder));
    writeFileSync(`${folder}/broken.json`, '{"cdiVersion":"9"}');
    writeFileSync(`${folder}/library`, 'code\n');
    writeFileSync(
      `${folder}/hook`,
      '#!/bin/sh\ncat > "$1"; cat "$(sed \'s/.*"bundle":"\\([^"]*\\)".*/\\1/\' "$1")"/config.json > "$1.config"\n',
    );
    chmodSync(`${folder}/hook`, 0o755);
    await daemon.start(`--cdi-spec-dir=${folder}`);
    await daemon.import();
  });
  after(async () => {
    await daemon[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const request = (...DeviceIDs: string[]) => ({ DeviceRequests: [{ Driver: 'cdi', DeviceIDs }] });
  const refusalOf = async (HostConfig: Body['HostConfig']): Promise<{ status: number; message: string }> => {
    const id = await containers.create({ Cmd: ['true'], HostConfig: HostConfig! });
    const { status, text } = await http.send('POST', `/containers/${id}/start`);
    const { State } = await containers.inspect(id);
    const { message } = JSON.parse(text) as { message: string };
    assert.deepEqual([State.Status, State.ExitCode, State.Error], ['created', 128, message]);
    await containers.remove(id);
    return { status, message };
  };

  test('a device a vendor has described brings its node, its files, its environment and its hooks along', async () => {
    const script =
      'ls -l /dev/thing; cat /usr/lib/thing.so; echo $THING $THINGS; id -G; : < /dev/thing && (: > /dev/thing) 2>&1; touch /usr/lib/thing.so';
    const Annotations = { 'test.annotation': 'kept' };
    const HostConfig = { ...request('vendor.test/thing=one'), Annotations };
    const { stdout } = await containers.run({ Cmd: sh(script), HostConfig });
    const [node = '', ...lines] = stdout.trim().split('\n');
    assert.match(node, /^crw-rw-rw-.* 1,\s+3 .*\/dev\/thing$/);
    assert.deepEqual(lines.slice(0, 2), ['code', '1 here']);
    assert.match(lines[2]!, /\b4711\b/);
    const told = JSON.parse(readFileSync(`${folder}/told`, 'utf8')) as { annotations: object; bundle: string };
    assert.deepEqual(told.annotations, Annotations);
    const config = JSON.parse(readFileSync(`${folder}/told.config`, 'utf8')) as { root: { path: string } };
    assert.match(config.root.path, /^\//, 'a hook finds the root of the container');
    assert.ok(!existsSync(told.bundle), 'and nothing of it is left');
    const info = (await http.call('GET', '/info')).json<{ CDISpecDirs: string[]; DiscoveredDevices: object[] }>();
    assert.deepEqual(info.CDISpecDirs, [folder]);
    const devices = ['absent', 'one'].map((name) => ({ Source: 'cdi', ID: `vendor.test/thing=${name}` }));
    assert.deepEqual(info.DiscoveredDevices, devices);
  });

  test('what nobody describes, and drivers that are not there, are refused in Docker’s words', async () => {
    assert.deepEqual(await refusalOf(request('vendor.test/thing=two', 'x.test/y=z')), {
      status: 500,
      message: 'CDI device injection failed: unresolvable CDI devices vendor.test/thing=two, x.test/y=z',
    });
    assert.deepEqual(await refusalOf(request('vendor.test/thing=absent')), {
      status: 500,
      message:
        'CDI device injection failed: failed to stat CDI host device "/dev/no-such-device": no such file or directory',
    });
    assert.deepEqual(await refusalOf({ DeviceRequests: [{ Count: -1, Capabilities: [['gpu', 'compute']] }] }), {
      status: 500,
      message: 'could not select device driver "" with capabilities: [[gpu compute]]',
    });
    assert.deepEqual(await refusalOf({ DeviceRequests: [{ Driver: 'cdi', Count: 1, DeviceIDs: ['a.test/b=c'] }] }), {
      status: 500,
      message: 'unexpected count in CDI device request',
    });
  });

  test('a network that is disabled is none, whatever the mode', async () => {
    for (const NetworkMode of ['bridge', 'host']) {
      const body = { Cmd: sh('ls /sys/class/net'), NetworkDisabled: true, HostConfig: { NetworkMode } };
      const { stdout } = await containers.run(body);
      assert.equal(stdout, 'lo\n', NetworkMode);
    }
  });

  test('the processes of another container, and what is left of one’s own among them', async () => {
    const target = await containers.begin({ Cmd: sh('sleep 98 & sleep 99') }, 'target');
    const body = { Cmd: sh('ps -o args; readlink /proc/self/ns/pid'), HostConfig: { PidMode: 'container:target' } };
    const { stdout } = await containers.run(body);
    const { Pid } = (await containers.inspect(target)).State;
    assert.match(stdout, /sleep 98\nsleep 99|sleep 99\nsleep 98/);
    assert.match(stdout, new RegExp(`\\[${statSync(`/proc/${Pid}/ns/pid`).ino}\\]`));
    // Its shell goes, and leaves a process in a namespace that goes on without it.
    const left = await containers.begin({ ...body, Cmd: sh('sleep 97 & exit 3') });
    assert.equal(await containers.wait(left), 3);
    const asked = await containers.inspect(left);
    assert.equal(asked.HostConfig['PidMode'], `container:${target}`);
    const seen = { Cmd: sh('ps -o args') };
    await eventually('it is gone', async () => !(await containers.exec(target, seen)).stdout.includes('sleep 97'));
    const own = await containers.begin({ ...body, Cmd: ['sleep', '96'] });
    const { stdout: seenByExec } = await containers.exec(own, { Cmd: sh('readlink /proc/self/ns/pid; ps -o args') });
    assert.match(seenByExec, new RegExp(`\\[${statSync(`/proc/${Pid}/ns/pid`).ino}\\][^]*sleep 99`));
    await containers.kill(target);
    assert.equal(await containers.wait(own), 137, 'with its first process a namespace ends');
    assert.match((await refusal(own)).message, /is not running$/);
    for (const id of [left, own, target]) await containers.remove(id);
  });

  const refusal = async (id: string): Promise<{ message: string }> =>
    JSON.parse((await http.send('POST', `/containers/${id}/start`)).text) as { message: string };

  test('shared memory of a container that shares it', async () => {
    const HostConfig = { IpcMode: 'shareable', ShmSize: 1 << 20 };
    const donor = await containers.begin({ Cmd: sh('echo shared > /dev/shm/word; sleep 100'), HostConfig }, 'donor');
    const joins = { IpcMode: 'container:donor' };
    const script = 'cat /dev/shm/word; grep -c " /dev/shm tmpfs .*size=1024k" /proc/mounts; readlink /proc/self/ns/ipc';
    const { stdout } = await containers.run({ Cmd: sh(script), HostConfig: joins });
    const { Pid } = (await containers.inspect(donor)).State;
    assert.equal(stdout, `shared\n1\nipc:[${statSync(`/proc/${Pid}/ns/ipc`).ino}]\n`);
    const mounts = (): string => readFileSync(`/proc/${daemon.pid}/mountinfo`, 'utf8');
    assert.match(mounts(), new RegExp(`/shm/${donor} `));
    await daemon.end('SIGKILL');
    await daemon.start(`--cdi-spec-dir=${folder}`);
    assert.equal((await containers.run({ Cmd: ['cat', '/dev/shm/word'], HostConfig: joins })).stdout, 'shared\n');
    await containers.remove(donor);
    assert.doesNotMatch(mounts(), new RegExp(donor));
    const alone = await containers.begin({ Cmd: ['sleep', '100'] }, 'alone');
    const id = await containers.create({ Cmd: ['true'], HostConfig: { IpcMode: 'container:alone' } });
    assert.match(
      (await refusal(id)).message,
      /non-shareable IPC \(hint: use IpcMode:shareable for the donor container\)/,
    );
    for (const each of [id, alone]) await containers.remove(each);
  });
});
