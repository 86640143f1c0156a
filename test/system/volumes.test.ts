/**
 * Volumes as containers have them: made, filled from the image, shared, kept, removed; and what a killed daemon leaves of
 * them, which is nothing half.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { archive, file } from '../support/archives.ts';
import { sh } from '../support/containers.ts';
import { type Daemon, useDaemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { mountsOf } from '../support/leaks.ts';
import { missing } from '../support/needs.ts';

interface Volume {
  readonly Name: string;
  readonly Mountpoint: string;
  readonly Labels: Readonly<Record<string, string>> | null;
}

interface Mount {
  readonly Type: string;
  readonly Name?: string;
  readonly Destination: string;
  readonly RW: boolean;
}

const none = { NetworkMode: 'none' };

const byName = (a = '', b = ''): number => (a < b ? -1 : 1);

/** The image `filled`: busybox with a folder of everything a file system knows, which is a volume. */
async function fillImage(daemon: Daemon): Promise<void> {
  const script = `
    mkdir -p /data/deep && echo one > /data/file && ln /data/file /data/hard && ln -s file /data/link
    chown 5:6 /data && chmod 2750 /data && chown 7 /data/deep && mkfifo /data/fifo && chmod 4711 /data/hard
    truncate -s 1M /data/hole && touch -d '2020-01-02 03:04:05' /data/deep && ln -s data /shortcut && echo x > /plain`;
  const id = await daemon.containers.create({ HostConfig: none, Cmd: sh(script) });
  await daemon.containers.start(id);
  assert.equal(await daemon.containers.wait(id), 0);
  const query = `container=${id}&repo=filled&changes=${encodeURIComponent('VOLUME /data')}`;
  await daemon.http.call('POST', `/commit?${query}`, { Cmd: ['true'] });
  await daemon.containers.remove(id);
}

describe('volumes', { skip: missing('root', 'busybox') }, () => {
  const daemon = useDaemon();
  const { containers, http } = daemon;
  const folder = mkdtempSync('/tmp/skiff-volumes-');
  before(() => fillImage(daemon));
  after(() => rmSync(folder, { recursive: true, force: true }));

  const list = async (): Promise<string[]> =>
    (await http.call('GET', '/volumes')).json<{ Volumes: Volume[] }>().Volumes.map(({ Name }) => Name);
  const make = async (body: object): Promise<Volume> =>
    (await http.call('POST', '/volumes/create', body)).json<Volume>();
  const removeVolume = (name: string) => http.send('DELETE', `/volumes/${name}`);
  const mountsIn = async (id: string): Promise<readonly Mount[]> =>
    (await http.call('GET', `/containers/${id}/json`)).json<{ Mounts: Mount[] }>().Mounts;
  const run = (script: string, host: object = {}, more: object = {}) =>
    containers.run({ HostConfig: { ...none, ...host }, Cmd: sh(script), ...more });
  const pathOf = (name: string): string => `${daemon.dataRoot}/volumes/${name}/_data`;
  const ofVolumes = (): string[] => mountsOf(daemon.traces).filter((line) => line.includes('/volumes/'));

  test('an empty volume gets what the image has there, and keeps it from then on', async () => {
    const show = 'cd /data; stat -c "%n %a %u %g %h %s %Y" . deep; stat -c "%n %a %u %g %h %s %F" fifo file hard hole';
    const { stdout: inImage } = await run(show.replace('%n %a', '%n %a'), {}, { Image: 'filled' });
    const { stdout, stderr } = await run(
      `${show.replace('/data', '/there')}; readlink link`,
      {
        Binds: ['full:/data', 'full:/there'],
      },
      { Image: 'filled' },
    );
    assert.equal(stdout, `${inImage}file\n`, stderr);
    assert.match(stdout, /^\. 2750 5 6 /);
    assert.match(stdout, /^hard 4711 0 0 2 4 regular file$/m);
    assert.equal(statSync(`${pathOf('full')}/file`).ino, statSync(`${pathOf('full')}/hard`).ino);
    assert.deepEqual(readdirSync(`${daemon.dataRoot}/volumes/full`), ['_data']);
    await run('rm -r /data/*; echo mine > /data/own', { Binds: ['full:/data'] }, { Image: 'filled' });
    await run('true', { Binds: ['full:/data'] }, { Image: 'filled' });
    assert.deepEqual(readdirSync(pathOf('full')), ['own']);
    // Where a symlink leads, and nothing where the user says so, or where there is something already.
    assert.match((await run('ls /shortcut', { Binds: ['by-link:/shortcut'] }, { Image: 'filled' })).stdout, /hole/);
    assert.equal((await run('ls /data', { Binds: ['bare:/data:nocopy'] }, { Image: 'filled' })).stdout, '');
    const refused = await http.send('POST', '/containers/create', {
      Image: 'filled',
      Cmd: ['true'],
      HostConfig: { ...none, Binds: ['over-file:/plain'] },
    });
    assert.equal(refused.status, 400);
    assert.ok(!(await list()).includes('over-file'), 'a creation that fails leaves nothing');
    for (const name of ['full', 'by-link', 'bare']) assert.equal((await removeVolume(name)).status, 204);
    await http.call('POST', '/volumes/prune');
    assert.deepEqual(await list(), []);
  });

  test('volumes nobody named go with their container when that is asked for, named ones never', async () => {
    const body = {
      Image: 'filled',
      Cmd: ['true'],
      Volumes: { '/anon': {} },
      HostConfig: { ...none, Binds: ['named:/named'] },
    };
    const first = await containers.create(body);
    const [anon, data] = (await mountsIn(first)).filter(({ Name }) => Name !== 'named').map(({ Name }) => Name!);
    const inspected = (await http.call('GET', `/volumes/${anon}`)).json<Volume>();
    assert.deepEqual(inspected.Labels, { 'com.docker.volume.anonymous': '' });
    const second = await containers.create({
      ...body,
      Image: 'busybox',
      Cmd: ['true'],
      HostConfig: { ...none, VolumesFrom: [first] },
    });
    assert.deepEqual(
      (await mountsIn(second)).map(({ Name }) => Name).toSorted(byName),
      (await mountsIn(first)).map(({ Name }) => Name).toSorted(byName),
    );
    const held = await removeVolume('named');
    assert.equal(held.status, 409);
    assert.match(held.text, new RegExp(`remove named: volume is in use - \\[${first}, ${second}\\]`));
    await http.call('DELETE', `/containers/${first}?v=1`);
    assert.deepEqual((await list()).toSorted(byName), [anon, data, 'named'].toSorted(byName));
    await http.call('DELETE', `/containers/${second}?v=1`);
    assert.deepEqual(await list(), ['named']);
    // Without the wish they stay; with --rm they go.
    await containers.run(body);
    assert.equal((await list()).length, 3);
    await http.call('POST', '/volumes/prune');
    assert.deepEqual(await list(), ['named']);
    const id = await containers.begin({ ...body, Cmd: ['true'], HostConfig: { ...body.HostConfig, AutoRemove: true } });
    await eventually(
      'the container is gone',
      async () => (await http.send('GET', `/containers/${id}/json`)).status === 404,
    );
    assert.deepEqual(await list(), ['named']);
    await removeVolume('named');
  });

  test('--volumes-from takes the mounts, read-only where asked', async () => {
    const from = await containers.create(
      { Cmd: ['true'], HostConfig: { ...none, Binds: ['shared:/s', `${folder}:/b`] } },
      'giver',
    );
    const tell = 'touch /s/x || echo no; touch /b/x || echo no';
    assert.equal((await run(tell, { VolumesFrom: ['giver'] })).stdout, '');
    assert.equal((await run(tell, { VolumesFrom: ['giver:ro'] })).stdout, 'no\nno\n');
    const wrong = async (VolumesFrom: string[]): Promise<string> =>
      (
        await http.send('POST', '/containers/create', {
          Image: 'busybox',
          Cmd: ['true'],
          HostConfig: { ...none, VolumesFrom },
        })
      ).text;
    assert.match(await wrong(['nobody']), /No such container: nobody/);
    assert.match(await wrong(['giver:bad']), /invalid mode: bad/);
    await containers.remove(from);
    await removeVolume('shared');
  });

  test('nothing of a bind or a volume goes with a container, however it is removed', async () => {
    mkdirSync(`${folder}/host/deep`, { recursive: true });
    writeFileSync(`${folder}/host/deep/file`, 'x');
    await make({ Name: 'elsewhere', DriverOpts: { type: 'none', o: 'bind', device: `${folder}/host` } });
    const Binds = [`${folder}/host:/one`, 'elsewhere:/two', 'kept:/three'];
    const id = await containers.begin({ Cmd: ['sleep', '600'], HostConfig: { ...none, Binds } });
    await containers.exec(id, { Cmd: sh('echo y > /three/y; echo z > /two/z') });
    assert.equal(ofVolumes().length, 1);
    await http.call('DELETE', `/containers/${id}?force=1&v=1`);
    assert.deepEqual(ofVolumes(), []);
    assert.equal((await removeVolume('elsewhere')).status, 204);
    assert.equal(readFileSync(`${folder}/host/deep/file`, 'utf8'), 'x');
    assert.equal(readFileSync(`${folder}/host/z`, 'utf8'), 'z\n');
    assert.equal(readFileSync(`${pathOf('kept')}/y`, 'utf8'), 'y\n');
    // Somebody has mounted something there by hand.
    mkdirSync(`${pathOf('kept')}/there`);
    execFileSync('mount', ['--bind', `${folder}/host`, `${pathOf('kept')}/there`]);
    const refused = await removeVolume('kept');
    execFileSync('umount', [`${pathOf('kept')}/there`]);
    assert.equal(refused.status, 409);
    assert.match(refused.text, /something is mounted at .*_data\/there/);
    assert.equal((await removeVolume('kept')).status, 204);
    assert.ok(existsSync(`${folder}/host/deep/file`));
  });

  test('options: mounted for the first container, unmounted after the last', async () => {
    await make({ Name: 'ram', DriverOpts: { type: 'tmpfs', device: 'tmpfs', o: 'size=1m,uid=9,ro' } });
    const host = { ...none, Binds: ['ram:/ram'] };
    const first = await containers.begin({ Cmd: ['sleep', '600'], HostConfig: host });
    const line = (await run('stat -c %u /ram; touch /ram/x; grep " /ram " /proc/mounts', { Binds: ['ram:/ram'] }))
      .stdout;
    assert.match(line, /^9\ntmpfs \/ram tmpfs ro,relatime,size=1024k,uid=9/);
    assert.equal(ofVolumes().length, 1);
    await containers.remove(first);
    assert.deepEqual(ofVolumes(), []);
    const fails = async (name: string, DriverOpts: object, expected: RegExp): Promise<void> => {
      await make({ Name: name, DriverOpts });
      const id = await containers.create({ Cmd: ['true'], HostConfig: { ...none, Binds: [`${name}:/x`] } });
      const { status, text } = await http.send('POST', `/containers/${id}/start`);
      assert.deepEqual([status, expected.test(text)], [500, true], text);
      await containers.remove(id);
      await removeVolume(name);
    };
    await fails('no-device', { type: 'ext4', device: '/dev/nosuch' }, /_data: no such file or directory \(ENOENT\)/);
    await fails('no-fs', { type: 'nosuch', device: 'x' }, /_data: no such device \(ENODEV\)/);
    await fails(
      'no-host',
      { type: 'nfs', device: ':/x', o: 'addr=nosuch.invalid' },
      /error resolving passed in network/,
    );
    await removeVolume('ram');
  });

  test('part of a volume, and nothing outside of it', async () => {
    await run('mkdir -p /v/a/b; echo in > /v/a/b/f; ln -s /etc /v/out; ln -s a/b /v/in', { Binds: ['parts:/v'] });
    const part = (Subpath: string, Target = '/p') => ({
      Mounts: [{ Type: 'volume', Source: 'parts', Target, VolumeOptions: { Subpath } }],
    });
    assert.equal((await run('cat /p/f', part('a/b'))).stdout, 'in\n');
    assert.equal((await run('cat /p', part('a/b/f'))).stdout, 'in\n');
    assert.equal((await run('cat /p/f', part('in'))).stdout, 'in\n');
    const start = async (subpath: string): Promise<string> => {
      const id = await containers.create({ Cmd: ['true'], HostConfig: { ...none, ...part(subpath) } });
      const { text } = await http.send('POST', `/containers/${id}/start`);
      await containers.remove(id);
      return text;
    };
    assert.match(await start('nosuch'), /cannot access path nosuch of volume parts: ENOENT/);
    assert.match(await start('out'), /no such file or directory/, "a symlink leads to the volume's own root");
    const refused = await http.send('POST', '/containers/create', {
      Image: 'busybox',
      Cmd: ['true'],
      HostConfig: { ...none, ...part('../up') },
    });
    assert.match(refused.text, /subpath must be a relative path within the volume/);
    await removeVolume('parts');
  });

  test('id maps: files have other owners in the container than on the disk', async () => {
    await make({ Name: 'mapped' });
    mkdirSync(`${folder}/mapped`);
    for (const path of [`${folder}/mapped`, pathOf('mapped')]) writeFileSync(`${path}/old`, 'old');
    const mount = (type: string, source: string, idMap: string, more: object = {}) => ({
      Mounts: [{ Type: type, Source: source, Target: '/m', IdMap: idMap, ...more }],
    });
    const script = 'stat -c %u:%g /m/old && touch /m/new && stat -c %u:%g /m/new';
    for (const [type, source, path] of [
      ['bind', `${folder}/mapped`, `${folder}/mapped`],
      ['volume', 'mapped', pathOf('mapped')],
    ] as const) {
      const host = mount(type, source, 'uids=0-1000-10#5000-20-1;gids=0-1000-10');
      const { code, stdout, stderr } = await run(script, host, { User: '1007:1003' });
      // The folder is 1000's there, and closed to others.
      assert.equal(code, 1, stderr);
      assert.equal(stdout, '1000:1000\n');
      execFileSync('chmod', ['777', path]);
      const again = await run(script, host, { User: '1007:1003' });
      assert.equal(again.stdout, '1000:1000\n1007:1003\n', again.stderr);
      const { uid, gid } = statSync(`${path}/new`);
      assert.deepEqual([uid, gid], [7, 3]);
      rmSync(`${path}/new`);
      // Who is in no range owns nothing, and can be owner of nothing.
      const nobody = await run('touch /m/new; stat -c %u:%g /m', host, { User: '3:3' });
      assert.match(nobody.stderr, /Value too large|Overflow/i);
      assert.equal(existsSync(`${path}/new`), false);
    }
    const id = await containers.create({
      Cmd: ['true'],
      HostConfig: { ...none, ...mount('volume', 'mapped', 'uids=0-1-2') },
    });
    const inspected = (await http.call('GET', `/containers/${id}/json`)).json<{ HostConfig: { Mounts: object[] } }>();
    assert.deepEqual(inspected.HostConfig.Mounts, [
      { Type: 'volume', Source: 'mapped', Target: '/m', IdMap: 'uids=0-1-2' },
    ]);
    await containers.remove(id);
    for (const [type, idMap, words] of [
      ['volume', 'uids=0-0', /invalid IdMap: uids: '0-0' is no range/],
      ['bind', 'uids=0-0-2#1-7-1', /shares ids with/],
      ['tmpfs', 'uids=0-0-1', /field IdMap must not be specified/],
    ] as const) {
      const source = type === 'tmpfs' ? {} : { Source: '/tmp' };
      const body = { HostConfig: { ...none, Mounts: [{ Type: type, ...source, Target: '/m', IdMap: idMap }] } };
      const refused = await http.send('POST', '/containers/create', { Image: 'busybox', ...body });
      assert.equal(refused.status, 400);
      assert.match(refused.json<{ message: string }>().message, words);
    }
    await removeVolume('mapped');
  });

  test('an image is mounted, and cannot be written to', async () => {
    const Mounts = [{ Type: 'image', Source: 'filled', Target: '/image' }];
    const { stdout } = await run('cat /image/data/file; touch /image/x || echo closed', { Mounts });
    assert.equal(stdout, 'one\nclosed\n');
    const id = await containers.create({ Cmd: ['true'], HostConfig: { ...none, Mounts } });
    assert.equal((await http.send('DELETE', '/images/filled')).status, 409);
    await containers.remove(id);
  });

  test('binds: propagation, what is mounted below, and what is missing', async () => {
    mkdirSync(`${folder}/tree/sub`, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', 'sub', `${folder}/tree/sub`]);
    try {
      const touch = 'touch /t/x || echo no; touch /t/sub/x || echo no';
      const bind = (BindOptions: object = {}) => ({
        Mounts: [{ Type: 'bind', Source: `${folder}/tree`, Target: '/t', ReadOnly: true, BindOptions }],
      });
      assert.equal((await run(touch, { Binds: [`${folder}/tree:/t:ro`] })).stdout, 'no\nno\n');
      assert.equal((await run(touch, bind())).stdout, 'no\nno\n');
      assert.equal((await run(touch, bind({ ReadOnlyNonRecursive: true }))).stdout, 'no\n');
      assert.equal((await run(touch, bind({ ReadOnlyForceRecursive: true }))).stdout, 'no\nno\n');
      assert.equal((await run('ls /t/sub', bind({ NonRecursive: true }))).stdout, '');
      await run(`mount -t tmpfs made /t/sub && touch /t/sub/seen`, {
        Binds: [`${folder}/tree:/t:rshared`],
        CapAdd: ['SYS_ADMIN'],
        SecurityOpt: ['seccomp=unconfined'],
      });
      assert.equal((await run('ls /t/sub', { Binds: [`${folder}/tree:/t:rslave`] })).stdout, 'x\n');
    } finally {
      execFileSync('umount', ['-R', '-l', `${folder}/tree/sub`]);
    }
    await run('true', { Binds: [`${folder}/made/here:/x`] });
    assert.ok(statSync(`${folder}/made/here`).isDirectory());
    const Mounts = [{ Type: 'bind', Source: `${folder}/nosuch`, Target: '/x' }];
    const { status, text } = await http.send('POST', '/containers/create', {
      Image: 'busybox',
      Cmd: ['true'],
      HostConfig: { ...none, Mounts },
    });
    assert.deepEqual([status, /bind source path does not exist/.test(text)], [400, true]);
    const id = await containers.create({ Cmd: ['true'], HostConfig: { ...none, Binds: ['/:/host'] } });
    const [mount] = (await http.call('GET', `/containers/${id}/json`)).json<{ Mounts: { Propagation: string }[] }>()
      .Mounts;
    assert.equal(mount?.Propagation, 'rslave', 'what holds the data folder follows the host');
    await containers.remove(id);
  });

  test('files are copied into the volumes of a container that does not run', async () => {
    await make({ Name: 'late', DriverOpts: { type: 'none', o: 'bind', device: `${folder}/host` } });
    const id = await containers.create({
      Cmd: ['true'],
      HostConfig: { ...none, Binds: ['late:/l', 'own:/o', 'closed:/c:ro'] },
    });
    const put = (path: string) =>
      http.send('PUT', `/containers/${id}/archive?path=${path}`, Readable.from([archive(file('new', 'text'))]));
    assert.equal((await put('/l')).status, 200);
    assert.equal((await put('/o')).status, 200);
    assert.equal((await put('/c')).status, 403);
    assert.equal(readFileSync(`${folder}/host/new`, 'utf8'), 'text');
    assert.equal(readFileSync(`${pathOf('own')}/new`, 'utf8'), 'text');
    assert.deepEqual(ofVolumes(), []);
    await containers.remove(id);
    for (const name of ['late', 'own', 'closed']) await removeVolume(name);
  });

  test('snapshot, clone and rename', async () => {
    const script =
      'cd /data; echo one > f; ln f hard; truncate -s 64M hole; chown 7:8 f; mkdir -p a/b; ln -s f link; mkfifo p';
    const id = await containers.begin({
      Cmd: sh(`${script}; i=0; while true; do i=$((i+1)); echo $i > /data/count; done`),
      HostConfig: { ...none, Binds: ['live:/data'] },
    });
    await eventually('it counts', () => existsSync(`${pathOf('live')}/count`));
    const snap = (await http.call('POST', '/skiff/volumes/live/snapshot', {})).json<Volume>();
    assert.match(snap.Name, /^live-\d{8}T\d{6}Z$/);
    assert.deepEqual(snap.Labels, { 'skiff.snapshot.of': 'live' });
    const before = Number(readFileSync(`${pathOf('live')}/count`, 'utf8'));
    await eventually('it goes on', () => Number(readFileSync(`${pathOf('live')}/count`, 'utf8') || 0) > before);
    const show = 'cd /v; stat -c "%n %a %u %g %h %s" f hard hole a/b p; readlink link; cat f';
    const { stdout } = await run(show, { Binds: ['live:/v'] });
    assert.equal((await run(show, { Binds: [`${snap.Name}:/v`] })).stdout, stdout);
    assert.ok(statSync(`${pathOf(snap.Name)}/hole`).blocks < 2048, 'a hole stays one');
    const clone = { Name: 'cloned', Labels: { a: 'b' } };
    assert.equal((await http.send('POST', `/skiff/volumes/${snap.Name}/clone`, clone)).status, 201);
    assert.equal((await http.send('POST', `/skiff/volumes/live/clone`, clone)).status, 409);
    assert.equal((await http.send('POST', `/skiff/volumes/nosuch/clone`, { Name: 'other' })).status, 404);
    assert.equal((await http.send('POST', `/skiff/volumes/live/clone`, { Name: '../x' })).status, 400);
    assert.match((await http.send('POST', '/skiff/volumes/live/rename', { Name: 'new' })).text, /volume is in use/);
    await containers.remove(id);
    await http.call('POST', '/skiff/volumes/live/rename', { Name: 'new' });
    assert.deepEqual((await list()).filter((name) => !name.includes('T')).toSorted(byName), ['cloned', 'new']);
    assert.equal((await run('cat /v/f', { Binds: ['new:/v'] })).stdout, 'one\n');
    for (const name of ['new', 'cloned', snap.Name]) assert.equal((await removeVolume(name)).status, 204);
  });

  test('killed while a volume is copied, a daemon leaves none of the copy', { timeout: 60_000 }, async () => {
    await run('for i in $(seq 300); do echo $i > /v/$i; done; dd if=/dev/urandom of=/v/big bs=1M count=16', {
      Binds: ['many:/v'],
    });
    for (let turn = 0; turn < 6; turn++) {
      const copied = http.send('POST', '/skiff/volumes/many/clone', { Name: 'copy' }).then(
        ({ status }) => status,
        () => 0,
      );
      await new Promise((resolve) => setTimeout(resolve, turn * 8));
      await daemon.end('SIGKILL');
      await copied;
      await daemon.start();
      if ((await list()).includes('copy')) assert.equal(readdirSync(pathOf('copy')).length, 301);
      else assert.ok(!existsSync(`${daemon.dataRoot}/volumes/copy`));
      await removeVolume('copy');
    }
    await removeVolume('many');
  });

  test('a daemon that is killed and started again knows who has what', async () => {
    await make({ Name: 'ram', DriverOpts: { type: 'tmpfs', device: 'tmpfs' } });
    const host = { ...none, Binds: ['ram:/ram', 'data:/data'] };
    const stays = await containers.begin({ Cmd: ['sleep', '600'], HostConfig: host });
    const ends = await containers.begin({ Cmd: ['sleep', '600'], HostConfig: host });
    await containers.exec(stays, { Cmd: sh('echo ram > /ram/x; echo data > /data/x') });
    await daemon.end('SIGKILL');
    await daemon.start();
    assert.equal(ofVolumes().length, 1);
    await containers.remove(ends);
    assert.equal((await containers.exec(stays, { Cmd: ['cat', '/ram/x', '/data/x'] })).stdout, 'ram\ndata\n');
    await daemon.end('SIGKILL');
    const pid = Number(readFileSync(`${daemon.execRoot}/containers/${stays}/pid`, 'utf8').split(' ')[0]);
    process.kill(pid, 'SIGKILL');
    await daemon.start();
    await eventually('its mount is gone', () => ofVolumes().length === 0);
    await containers.remove(stays);
    // A daemon that stops stops its containers, and lets go of what they had.
    await containers.begin({ Cmd: ['sleep', '600'], HostConfig: host });
    assert.equal(ofVolumes().length, 1);
    await daemon.end('SIGTERM');
    assert.deepEqual(ofVolumes(), []);
    await daemon.start();
    await daemon.removeContainers();
    assert.equal(readFileSync(`${pathOf('data')}/x`, 'utf8'), 'data\n');
    for (const name of ['ram', 'data']) assert.equal((await removeVolume(name)).status, 204);
  });

  test('killed at any moment, a daemon leaves no half volume and no half container', { timeout: 120_000 }, async () => {
    const body = {
      Image: 'filled',
      Cmd: ['true'],
      Volumes: { '/anon': {} },
      HostConfig: { ...none, Binds: ['target:/data'] },
    };
    for (let turn = 0; turn < 12; turn++) {
      const created = http.send('POST', '/containers/create', body).then(
        ({ status }) => status,
        () => 0,
      );
      await new Promise((resolve) => setTimeout(resolve, turn * 4));
      await daemon.end('SIGKILL');
      await created;
      await daemon.start();
      for (const name of await list()) {
        assert.deepEqual(readdirSync(`${daemon.dataRoot}/volumes/${name}`), ['_data']);
        const files = readdirSync(pathOf(name));
        assert.ok(files.length === 0 || files.length === 6, `${name} holds ${files.join()}`);
      }
      for (const { Id } of await containers.list()) {
        assert.equal((await mountsIn(Id)).length, 2);
        await http.call('DELETE', `/containers/${Id}?v=1`);
      }
      await removeVolume('target');
      assert.deepEqual(await list(), [], `in turn ${turn}`);
      assert.deepEqual(readdirSync(`${daemon.dataRoot}/volumes`), []);
    }
  });
});
