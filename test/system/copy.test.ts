/** Copying files out of containers and into them: what is copied, who owns it, and that nothing leads outside. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { describe, test } from 'node:test';
import { sh } from '../support/containers.ts';
import { useDaemon } from '../support/daemon.ts';
import { collect } from '../support/http.ts';
import { missing } from '../support/needs.ts';

const SKIFF = `${import.meta.dirname}/../../bin/skiff`;

describe('cp', { skip: missing('root', 'busybox'), timeout: 120_000 }, () => {
  const daemon = useDaemon();
  const { containers, http } = daemon;

  const cp = (args: readonly string[], input?: Buffer) => {
    const result = spawnSync(SKIFF, ['-H', `unix://${daemon.socket}`, 'cp', ...args], {
      cwd: daemon.folder,
      ...(input ? { input } : {}),
    });
    return { code: result.status, stdout: result.stdout, stderr: result.stderr.toString() };
  };
  const put = (id: string, query: string, body: Buffer): Promise<{ status: number; text: string }> =>
    new Promise((resolve, reject) => {
      const path = `/containers/${id}/archive?${query}`;
      const call = request({ socketPath: daemon.socket, method: 'PUT', path }, (response) => {
        void collect(response).then((bytes) => resolve({ status: response.statusCode ?? 0, text: bytes.toString() }));
      });
      call.on('error', reject);
      call.end(body);
    });
  const tarOf = (folder: string, ...names: string[]): Buffer =>
    spawnSync('tar', ['-C', folder, '-cf', '-', ...names]).stdout;
  const listing = (tar: Buffer): string[] =>
    spawnSync('tar', ['-tPf', '-'], { input: tar }).stdout.toString().trim().split('\n');
  const get = async (id: string, path: string): Promise<Buffer> =>
    collect(await http.stream(`/containers/${id}/archive?path=${encodeURIComponent(path)}`));
  const SETUP =
    'mkdir -p /data/sub; echo hi > /data/f; chown 33:44 /data/f; ln -s /data/f /data/abs; ln -s sub /data/rel; ln -s ../../../../etc /data/up';

  for (const state of ['running', 'stopped'] as const) {
    test(`archives of a ${state} container have the names and contents Docker's have`, async () => {
      const id = await containers.begin({ Cmd: sh(`${SETUP}; sleep 1000`) });
      await containers.exec(id, { Cmd: sh('while [ ! -e /data/up ]; do sleep 0.01; done') });
      if (state === 'stopped') await containers.stop(id, 0);
      const check = async (path: string, expected: readonly string[]): Promise<void> =>
        assert.deepEqual(listing(await get(id, path)), expected, path);
      await check('/data', ['data/', 'data/abs', 'data/f', 'data/rel', 'data/sub/', 'data/up']);
      await check('/data/.', ['./', './abs', './f', './rel', './sub/', './up']);
      await check('data/f', ['f']);
      await check('/data/abs', ['abs']);
      await check('/data/rel/', ['rel/']);
      await check('/data/up/passwd', ['passwd']);
      assert.equal(listing(await get(id, '/'))[0], '/');
      const missing_ = await http.send('GET', `/containers/${id}/archive?path=/nope`);
      assert.deepEqual(
        [missing_.status, missing_.json()['message']],
        [404, `Could not find the file /nope in container ${id}`],
      );
      assert.equal((await http.send('GET', `/containers/${id}/archive?path=`)).status, 400);
      await containers.remove(id);
    });
  }

  test('skiff cp both ways, with a running and with a stopped container', async () => {
    const id = await containers.begin({ Cmd: sh(`${SETUP}; sleep 1000`), User: '0' });
    await containers.exec(id, { Cmd: sh('while [ ! -e /data/up ]; do sleep 0.01; done') });
    const at = `${daemon.folder}/both`;
    mkdirSync(`${at}/dir/deep`, { recursive: true });
    writeFileSync(`${at}/file`, 'x'.repeat(3_000_000));
    writeFileSync(`${at}/dir/deep/leaf`, 'leaf');
    chownSync(`${at}/file`, 1234, 1235);
    const ok = (...args: string[]): void =>
      assert.deepEqual(cp(args), { code: 0, stdout: Buffer.alloc(0), stderr: '' });
    ok(`${at}/file`, `${id}:/data/`);
    ok(`${at}/dir`, `${id}:/data/new`);
    ok(`${at}/dir/.`, `${id}:/data/sub`);
    ok(`${id}:/data`, `${at}/out`);
    assert.equal(readFileSync(`${at}/out/file`).length, 3_000_000);
    assert.equal(readFileSync(`${at}/out/new/deep/leaf`, 'utf8'), 'leaf');
    assert.equal(readFileSync(`${at}/out/sub/deep/leaf`, 'utf8'), 'leaf');
    ok(`${id}:/data/f`, `${at}/renamed`);
    assert.equal(readFileSync(`${at}/renamed`, 'utf8'), 'hi\n');
    assert.equal(statSync(`${at}/renamed`).uid, 0);
    ok('-a', `${id}:/data/file`, `${at}/owned`);
    assert.equal(statSync(`${at}/owned`).uid, 1234);
    ok('-L', `${id}:/data/abs`, at);
    assert.equal(readFileSync(`${at}/abs`, 'utf8'), 'hi\n');
    assert.deepEqual(listing(cp([`${id}:/data/new`, '-']).stdout), ['new/', 'new/deep/', 'new/deep/leaf']);
    assert.equal(cp(['-', `${id}:/data/sub`], tarOf(at, 'renamed')).code, 0);
    assert.deepEqual(listing(await get(id, '/data/sub/renamed')), ['renamed']);
    const refused = (words: RegExp, ...args: string[]): void => {
      const { code, stderr } = cp(args);
      assert.equal(code, 1);
      assert.match(stderr, words);
    };
    await containers.stop(id, 0);
    ok(`${at}/dir`, `${id}:/data/later`);
    ok(`${id}:/data/later/deep/leaf`, `${at}/leaf`);
    assert.equal(readFileSync(`${at}/leaf`, 'utf8'), 'leaf');
    refused(/cannot copy directory/, `${at}/dir`, `${id}:/data/f`);
    refused(/no such directory/, `${at}/file`, `${id}:/data/none/`);
    refused(/Could not find the file \/nope in container/, `${id}:/nope`, at);
    refused(/No such container: nobody/, 'nobody:/x', at);
    refused(/must be a directory/, '-', `${id}:/data/f`);
    await containers.remove(id);
  });

  test('writing: what is refused, whose the files are, binds, and a read-only root', async () => {
    const at = `${daemon.folder}/write`;
    mkdirSync(`${at}/bound`, { recursive: true });
    writeFileSync(`${at}/file`, 'new');
    chownSync(`${at}/file`, 7, 8);
    const tar = tarOf(at, 'file');
    const Binds = [`${at}/bound:/b`, `${at}/bound:/ro:ro`];
    const id = await containers.begin({ Cmd: ['sleep', '1000'], User: '1000:1001', HostConfig: { Binds } });
    assert.equal((await put(id, 'path=/etc', tar)).status, 200);
    assert.equal((await put(id, 'path=/tmp&copyUIDGID=1', tar)).status, 200);
    const { stdout } = await containers.exec(id, { Cmd: sh('stat -c %u:%g /etc/file /tmp/file') });
    assert.equal(stdout, '7:8\n1000:1001\n');
    const check = async (query: string, body: Buffer, status: number, words: RegExp): Promise<void> => {
      const answer = await put(id, query, body);
      assert.deepEqual([answer.status, words.test(answer.text)], [status, true], answer.text);
    };
    await check('path=/nope', tar, 404, /Could not find the file \/nope/);
    await check('path=/etc/passwd', tar, 400, /extraction point is not a directory/);
    await check('path=/etc', Buffer.from('junk'.repeat(300)), 400, /not a tar archive/);
    await check('path=/ro', tar, 403, /mounted volume is marked read-only/);
    mkdirSync(`${at}/kinds/file`, { recursive: true });
    await check('path=/etc&noOverwriteDirNonDir=1', tarOf(`${at}/kinds`, 'file'), 400, /cannot overwrite/);
    const outside = spawnSync('tar', ['-C', at, '-P', '--transform', 's,^,../../../,', '-cf', '-', 'file']).stdout;
    await check('path=/etc', outside, 400, /is outside of what it is for/);
    await containers.stop(id, 0);
    assert.equal((await put(id, 'path=/b', tar)).status, 200);
    assert.equal(readFileSync(`${at}/bound/file`, 'utf8'), 'new', 'the bind of a stopped container');
    assert.deepEqual(listing(await get(id, '/b')), ['b/', 'b/file']);
    await containers.remove(id);
    const frozen = await containers.begin({ Cmd: ['sleep', '1000'], HostConfig: { Binds, ReadonlyRootfs: true } });
    const refusal = await put(frozen, 'path=/etc', tar);
    assert.deepEqual([refusal.status, refusal.text.includes('container rootfs is marked read-only')], [403, true]);
    assert.equal((await put(frozen, 'path=/b', tar)).status, 200);
    await containers.remove(frozen);
  });

  test('a container that swaps folders for symlinks while it is copied never shows or changes the host', async () => {
    const at = `${daemon.folder}/race`;
    const secret = `${daemon.folder}/race-secret`;
    mkdirSync(at);
    mkdirSync(secret);
    writeFileSync(`${secret}/marker`, 'the host');
    writeFileSync(`${at}/planted`, 'planted');
    const swap = `mkdir -p /w/d /w/x; cd /w; while :; do mv d e; ln -s ${secret} d; rm d; ln -s /../../../../${secret} d; rm d; mv e d; done`;
    const id = await containers.begin({ Cmd: sh(swap) });
    const tar = tarOf(at, 'planted');
    for (let turn = 0; turn < 40; turn++) {
      await put(id, 'path=/w/d', tar);
      const answer = await http.send('GET', `/containers/${id}/archive?path=/w/d/marker`);
      assert.notEqual(answer.status, 200, 'the host has such a file, the container has none');
      const { text } = await http.send('GET', `/containers/${id}/archive?path=/w/d/.`);
      assert.ok(!text.includes('the host'));
    }
    assert.ok(!existsSync(`${secret}/planted`));
    await containers.remove(id);
  });

  test('a symlink of this machine, and a tar that is cut off', async () => {
    const id = await containers.create({ Cmd: ['true'] });
    const at = `${daemon.folder}/links`;
    mkdirSync(at);
    writeFileSync(`${at}/real`, 'real');
    symlinkSync('real', `${at}/link`);
    assert.equal(cp([`${at}/link`, `${id}:/`]).code, 0);
    assert.equal(cp(['-L', `${at}/link`, `${id}:/followed`]).code, 0);
    const facts = async (path: string): Promise<string[]> => {
      const tar = await get(id, path);
      return spawnSync('tar', ['-tvf', '-'], { input: tar }).stdout.toString().trim().split(/\s+/);
    };
    assert.deepEqual((await facts('/link')).slice(-3), ['link', '->', 'real']);
    assert.equal((await facts('/followed'))[2], '4');
    const cut = await put(id, 'path=/', tarOf(at, 'real').subarray(0, 514));
    assert.deepEqual([cut.status, /truncated/.test(cut.text)], [400, true]);
    await containers.remove(id);
  });
});
