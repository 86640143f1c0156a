/** Further processes in a running container. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { sh } from '../support/containers.ts';
import { useDaemon } from '../support/daemon.ts';
import { eventually, pause } from '../support/eventually.ts';
import { missing } from '../support/needs.ts';

describe('exec', { skip: missing('root', 'busybox'), timeout: 60_000 }, () => {
  const daemon = useDaemon();
  const { containers, http } = daemon;
  let id = '';

  before(async () => {
    id = await containers.begin({
      Cmd: sh('trap "exit 0" TERM; while :; do sleep 0.1; done'),
      Env: ['GREETING=hello'],
      WorkingDir: '/home/tester',
    });
  });

  test('it runs with the container’s environment, folder, user and name, and says how it ended', async () => {
    const { code, stdout, stderr } = await containers.exec(id, {
      Cmd: sh('echo $GREETING; pwd; id -u; hostname; echo e >&2; exit 7'),
    });
    assert.deepEqual([code, stdout, stderr], [7, `hello\n/home/tester\n0\n${id.slice(0, 12)}\n`, 'e\n']);
  });

  test('user, folder and environment of its own', async () => {
    const body = {
      Cmd: sh('id -un; pwd; echo $GREETING $MORE $HOME'),
      User: 'tester',
      WorkingDir: '/tmp',
      Env: ['MORE=1', 'GREETING=bye'],
    };
    assert.equal((await containers.exec(id, body)).stdout, 'tester\n/tmp\nbye 1 /home/tester\n');
  });

  test('it is in the container’s namespaces, cgroup and filter, with no more rights than it', async () => {
    const own = sh(
      'readlink /proc/self/ns/*; grep -E "Cap|Seccomp:|NoNewPrivs" /proc/self/status; cat /proc/self/cgroup',
    );
    const inside = (await containers.exec(id, { Cmd: own })).stdout;
    const first = (
      await containers.exec(id, {
        Cmd: sh('readlink /proc/1/ns/*; grep -E "Cap|Seccomp:|NoNewPrivs" /proc/1/status; cat /proc/1/cgroup'),
      })
    ).stdout;
    assert.equal(inside, first);
    const privileged = (
      await containers.exec(id, { Cmd: sh('grep -E "CapEff|Seccomp:" /proc/self/status'), Privileged: true })
    ).stdout;
    assert.match(privileged, /Seccomp:\s+0/);
    assert.doesNotMatch(privileged, /00000000a80425fb/);
  });

  test('stdin reaches it, and its end does', async () => {
    const input = 'y'.repeat(2_000_000);
    const { stdout } = await containers.exec(id, { Cmd: ['sha256sum'] }, input);
    assert.equal(stdout, `${createHash('sha256').update(input).digest('hex')}  -\n`);
    assert.equal((await containers.exec(id, { Cmd: ['cat'] })).stdout, '');
  });

  test('much output arrives whole', async () => {
    const { stdout, code } = await containers.exec(id, { Cmd: sh('seq 1 500000') });
    assert.equal(code, 0);
    assert.equal(stdout.length, Array.from({ length: 500_000 }, (_, index) => `${index + 1}\n`).join('').length);
    assert.ok(stdout.endsWith('\n500000\n'));
  });

  test('what cannot run is refused with 127 or 126 as its exit code', async () => {
    for (const [command, code, message] of [
      ['no-such', 127, /executable file not found in \$PATH/],
      ['/etc/passwd', 126, /permission denied/],
    ] as const) {
      const execId = await containers.createExec(id, { Cmd: [command], AttachStdout: true, AttachStderr: true });
      const answer = await http.send('POST', `/exec/${execId}/start`, { Detach: false });
      // compat: the connection is taken over before the process starts, so the reason comes on it.
      assert.equal(answer.status, 200, answer.text);
      assert.match(answer.text, message);
      assert.equal(await containers.execExit(execId), code);
    }
    assert.equal((await http.send('POST', `/containers/${id}/exec`, { Cmd: [] })).status, 400);
    assert.equal((await http.send('POST', '/exec/abc/start', {})).status, 404);
  });

  test('detached it goes on by itself', async () => {
    const execId = await containers.createExec(id, { Cmd: sh('sleep 0.2; echo done > /tmp/detached; exit 3') });
    await http.call('POST', `/exec/${execId}/start`, { Detach: true });
    const state = (await http.call('GET', `/exec/${execId}/json`)).json<{ Running: boolean; Pid: number }>();
    assert.equal(state.Running, true);
    assert.ok(state.Pid > 0);
    assert.deepEqual((await containers.inspect(id)).ExecIDs, [execId]);
    assert.equal(await containers.execExit(execId), 3);
    assert.equal((await containers.exec(id, { Cmd: ['cat', '/tmp/detached'] })).stdout, 'done\n');
    assert.equal((await containers.inspect(id)).ExecIDs, null);
    assert.equal((await http.send('POST', `/exec/${execId}/start`, { Detach: true })).status, 409, 'it runs once');
  });

  test('many at once keep their outputs apart', async () => {
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) => containers.exec(id, { Cmd: sh(`echo ${index}; exit ${index}`) })),
    );
    for (const [index, { code, stdout }] of results.entries()) assert.deepEqual([code, stdout], [index, `${index}\n`]);
  });

  test('a client that goes away does not stop it', async () => {
    const execId = await containers.createExec(id, { Cmd: sh('sleep 0.3; exit 9'), AttachStdout: true });
    const socket = await http.hijack(`/exec/${execId}/start`, {});
    socket.destroy();
    assert.equal(await containers.execExit(execId), 9);
  });

  test('it ends with its container, and nothing of it stays', async () => {
    const own = await containers.begin({ Cmd: ['sleep', '1000'] });
    const execId = await containers.createExec(own, { Cmd: ['sleep', '1000'], AttachStdout: true });
    const socket = await http.hijack(`/exec/${execId}/start`, {});
    socket.resume();
    const closed = new Promise((done) => socket.once('end', done));
    // The stream is there before the process: the connection is taken over first.
    await eventually('the process runs', async () => {
      const { Pid } = (await http.call('GET', `/exec/${execId}/json`)).json<{ Pid: number }>();
      return Pid > 0;
    });
    await containers.kill(own);
    await closed;
    assert.equal(await containers.execExit(execId), 137);
    assert.equal((await http.send('POST', `/containers/${own}/exec`, { Cmd: ['true'] })).status, 409);
    socket.destroy();
    await containers.remove(own);
    assert.equal((await http.send('GET', `/exec/${execId}/json`)).status, 404);
  });

  test('hundreds leave no descriptor, process or file', { timeout: 60_000 }, async () => {
    const look = () => ({
      files: readdirSync(`${daemon.execRoot}/containers/${id}`).sort(),
      descriptors: readdirSync(`/proc/${daemon.pid}/fd`).length,
    });
    await containers.exec(id, { Cmd: ['true'] });
    http.close();
    await pause(100);
    const before = look();
    let next = 0;
    const client = async (): Promise<void> => {
      while (next++ < 300) assert.equal((await containers.exec(id, { Cmd: ['true'] })).code, 0);
    };
    await Promise.all([client(), client(), client()]);
    http.close();
    // Fewer are no leak: one of before may have been about to go.
    const isAsBefore = (): boolean => {
      const { files, descriptors } = look();
      return descriptors <= before.descriptors && files.join() === before.files.join();
    };
    await eventually('all is as before', isAsBefore).catch(() => assert.deepEqual(look(), before));
  });
});
