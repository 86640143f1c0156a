/** The process of an exec that was created and not started yet: nobody may notice it, whatever happens in between. */
import assert from 'node:assert/strict';
import { globSync, readdirSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { sh } from '../support/containers.ts';
import { useDaemon } from '../support/daemon.ts';
import { eventually, pause } from '../support/eventually.ts';
import { missing } from '../support/needs.ts';

const OUTPUT = { AttachStdout: true, AttachStderr: true };

describe('execs made ahead', { skip: missing('root', 'busybox'), timeout: 60_000 }, () => {
  const daemon = useDaemon();
  const { containers, http } = daemon;

  const foldersOf = (id: string): string[] =>
    readdirSync(`${daemon.execRoot}/containers/${id}`).filter((name) => name.startsWith('exec-'));
  const isMadeAhead = (id: string) =>
    eventually('it is made ahead', () => foldersOf(id).some((name) => name.endsWith('-ahead')));
  const nothingIsLeft = (id: string) => eventually('nothing is left of it', () => foldersOf(id).length === 0);
  const start = async (execId: string): Promise<string> => {
    const socket = await http.hijack(`/exec/${execId}/start`, {});
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    return text;
  };

  test('nobody sees it, and unused it goes; the exec starts all the same', async () => {
    const id = await containers.begin({ Cmd: ['sleep', '1000'] });
    const execId = await containers.createExec(id, { ...OUTPUT, Cmd: sh('echo late; ls /proc | grep -c "^[0-9]"') });
    await isMadeAhead(id);
    const { Processes } = (await http.call('GET', `/containers/${id}/top`)).json<{ Processes: string[][] }>();
    assert.equal(Processes.length, 1, JSON.stringify(Processes));
    const { Running, Pid } = (await http.call('GET', `/exec/${execId}/json`)).json<{ Running: boolean; Pid: number }>();
    assert.deepEqual([Running, Pid], [false, 0]);
    await nothingIsLeft(id);
    assert.match(await start(execId), /late\n/);
    assert.equal(await containers.execExit(execId), 0);
    await containers.remove(id);
  });

  test('what was not there when it was created is found when it is started', async () => {
    const id = await containers.begin({ Cmd: ['sleep', '1000'] });
    const execId = await containers.createExec(id, { ...OUTPUT, Cmd: ['/tmp/later'] });
    await nothingIsLeft(id);
    await containers.exec(id, { Cmd: sh('printf "#!/bin/sh\\necho found\\n" >/tmp/later; chmod +x /tmp/later') });
    assert.match(await start(execId), /found\n/);
    await containers.remove(id);
  });

  test('a container that is paused, ended or removed in between', async () => {
    const id = await containers.begin({ Cmd: ['sleep', '1000'] });
    const execId = await containers.createExec(id, { ...OUTPUT, Cmd: ['true'] });
    await http.call('POST', `/containers/${id}/pause`);
    assert.equal((await http.send('POST', `/exec/${execId}/start`, {})).status, 409);
    await pause(400);
    await http.call('POST', `/containers/${id}/unpause`);
    await nothingIsLeft(id);
    assert.equal(await start(execId), '');
    const second = await containers.createExec(id, { ...OUTPUT, Cmd: ['true'] });
    await containers.kill(id);
    assert.equal((await http.send('POST', `/exec/${second}/start`, {})).status, 409);
    await http.call('POST', `/containers/${id}/start`);
    await containers.createExec(id, { ...OUTPUT, Cmd: ['true'] });
    await containers.remove(id);
  });

  test('what cannot be made is told at the start, and leaves nothing', async () => {
    const id = await containers.begin({ Cmd: ['sleep', '1000'] });
    const nobody = await containers.createExec(id, { ...OUTPUT, Cmd: ['true'], User: 'nosuch' });
    await nothingIsLeft(id);
    assert.match(await start(nobody), /unable to find user nosuch/);
    const missing = await containers.createExec(id, { ...OUTPUT, Cmd: ['nosuch'] });
    assert.match(await start(missing), /executable file not found/);
    assert.equal(await containers.execExit(missing), 127);
    await nothingIsLeft(id);
    await containers.remove(id);
  });

  test('the daemon stops while one is held in a paused container', async () => {
    const id = await containers.begin({ Cmd: ['sleep', '1000'], StopTimeout: 1 });
    await containers.createExec(id, { ...OUTPUT, Cmd: ['true'] });
    await isMadeAhead(id);
    await http.call('POST', `/containers/${id}/pause`);
    try {
      assert.equal(await daemon.end(), 0);
    } finally {
      // Paused, whatever has become of the daemon, nothing of it could be ended.
      for (const state of globSync(`/sys/fs/cgroup/freezer/*/${id}/freezer.state`)) writeFileSync(state, 'THAWED');
    }
    await daemon.start();
    await containers.remove(id);
  });

  test('detached, as another user, with input: the same as without', async () => {
    const id = await containers.begin({ Cmd: ['sleep', '1000'] });
    const detached = await containers.createExec(id, { Cmd: sh('echo $$ >/tmp/pid; exit 3') });
    await http.call('POST', `/exec/${detached}/start`, { Detach: true });
    assert.equal(await containers.execExit(detached), 3);
    const user = await containers.exec(id, { Cmd: sh('id -un; exit 4'), User: 'tester' });
    assert.deepEqual([user.code, user.stdout], [4, 'tester\n']);
    await containers.remove(id);
  });

  test('more creations at once than are made ahead, none of them started, and then all', async () => {
    const id = await containers.begin({ Cmd: ['sleep', '1000'] });
    const ids = await Promise.all(
      Array.from({ length: 30 }, (_, index) => containers.createExec(id, { ...OUTPUT, Cmd: sh(`echo ${index}`) })),
    );
    assert.ok(foldersOf(id).length <= 8, foldersOf(id).join());
    await nothingIsLeft(id);
    const outputs = await Promise.all(ids.map(start));
    for (const [index, text] of outputs.entries()) assert.match(text, new RegExp(`${index}\\n$`));
    await containers.remove(id);
  });

  test('a killed daemon leaves none held', async () => {
    const id = await containers.begin({ Cmd: ['sleep', '1000'] });
    await containers.createExec(id, { ...OUTPUT, Cmd: ['true'] });
    await isMadeAhead(id);
    await daemon.end('SIGKILL');
    assert.equal(foldersOf(id).length, 1);
    await daemon.start();
    await nothingIsLeft(id);
    const { Processes } = (await http.call('GET', `/containers/${id}/top`)).json<{ Processes: string[][] }>();
    assert.equal(Processes.length, 1, JSON.stringify(Processes));
    await containers.remove(id);
  });
});
