/** A daemon whose disk is full: what needs room is refused with the reason, what frees room works, nothing is lost. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createReadStream, rmSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { sh } from '../support/containers.ts';
import { Daemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { writeArchive } from '../support/image-archive.ts';
import { missing } from '../support/needs.ts';

describe('a full disk', { skip: missing('root', 'busybox', 'tar'), timeout: 120_000 }, () => {
  const daemon = new Daemon([], '64m');
  const { http, containers } = daemon;
  before(async () => {
    await daemon.start();
    await daemon.import();
    const make = 'mkdir d; head -c 90000000 /dev/urandom > d/large; tar cf large.tar d; rm -r d';
    execFileSync('sh', ['-ec', make], { cwd: daemon.folder });
    await writeArchive(`${daemon.folder}/image.tar`, { tag: 'large:1', layers: [`${daemon.folder}/large.tar`] });
  });
  after(async () => {
    for (const name of ['large.tar', 'image.tar']) rmSync(`${daemon.folder}/${name}`);
    await daemon[Symbol.asyncDispose]();
  });

  const images = async (): Promise<string[]> =>
    (await http.call('GET', '/images/json?all=1')).json<{ RepoTags: string[] }[]>().flatMap(({ RepoTags }) => RepoTags);
  const df = sh("df -k / | tail -1 | awk '{print $4}'");
  /** KiB that are free on its disk, as a container sees them. */
  const freeKiB = async (): Promise<number> => Number((await containers.run({ Cmd: df })).stdout);

  for (const [name, path, file] of [
    ['load', '/images/load', 'image.tar'],
    ['import', '/images/create?fromSrc=-&repo=large', 'large.tar'],
  ] as const) {
    test(`${name}: refused with the reason, and all it wrote is gone`, async () => {
      const free = await freeKiB();
      const answer = await http.send('POST', path, createReadStream(`${daemon.folder}/${file}`));
      assert.match(answer.text, /no (space|room)/i);
      assert.deepEqual(await images(), ['busybox:latest']);
      assert.ok((await freeKiB()) > free - 1000, 'the room it took is free again');
    });
  }

  test('a volume that gets no room for what the image has is not there, nor is its container', async () => {
    const make = 'mkdir d; head -c 20000000 /dev/urandom > d/part; tar cf part.tar d; rm -r d';
    execFileSync('sh', ['-ec', make], { cwd: daemon.folder });
    await http.call('POST', '/images/create?fromSrc=-&repo=part', createReadStream(`${daemon.folder}/part.tar`));
    rmSync(`${daemon.folder}/part.tar`);
    const free = await freeKiB();
    assert.ok(free < 20_000, `${free} KiB are free`);
    const body = { Image: 'part', Cmd: ['x'], Volumes: { '/d': {} }, HostConfig: { Binds: ['other:/d/sub'] } };
    const { status, text } = await http.send('POST', '/containers/create', body);
    assert.equal(status, 500);
    assert.match(text, /ENOSPC|no space/i);
    assert.deepEqual((await http.call('GET', '/volumes')).json<{ Volumes: object[] }>().Volumes, []);
    assert.deepEqual(await containers.list(), []);
    assert.ok((await freeKiB()) > free - 1000, 'the room it took is free again');
    await http.call('DELETE', '/images/part');
  });

  test('a container fills the disk: the daemon lists, stops, removes, and starts again when there is room', async () => {
    const id = await containers.begin({ Cmd: sh('cat /dev/zero > /all; echo full; exec sleep 1000') });
    // Its log has no room either: the line is on nobody's disk.
    await eventually('the disk is full', async () => (await containers.exec(id, { Cmd: df })).stdout === '0\n');
    const late = await http.send('POST', '/containers/create?name=late', { Image: 'busybox', Cmd: ['true'] });
    if (late.status !== 201) assert.match(late.text, /no space|full/i);
    assert.equal((await containers.inspect(id)).State.Status, 'running');
    await containers.remove(id);
    assert.equal((await containers.run({ Cmd: ['echo', 'again'] })).stdout, 'again\n');
    const { status } = await http.send('DELETE', '/containers/late');
    assert.equal(status, late.status === 201 ? 204 : 404);
  });
});
