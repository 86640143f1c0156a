/**
 * The daemon killed in the middle of pulls, loads, removals and prunes: afterwards what it knows and what is on the disk
 * agree, no image is half there, and a pull goes on where it was.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { Daemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { writeArchive } from '../support/image-archive.ts';
import { missing } from '../support/needs.ts';
import { StaticRegistry } from '../support/static-registry.ts';

const options = { skip: missing('root', 'tar'), timeout: 900_000 };
const KILLS = Number(process.env['SKIFF_TEST_KILLS'] ?? 80);

/** Tars of layers with some hundred files each. */
function makeLayers(folder: string, count: number): string[] {
  return Array.from({ length: count }, (_, layer) => {
    const root = `${folder}/layer-${layer}`;
    for (let file = 0; file < 150; file += 1) {
      if (file % 30 === 0) mkdirSync(`${root}/l${layer}/d${file / 30}`, { recursive: true });
      writeFileSync(`${root}/l${layer}/d${Math.floor(file / 30)}/f${file}`, randomBytes(20_000));
    }
    execFileSync('tar', ['-C', root, '-cf', `${root}.tar`, '.']);
    return `${root}.tar`;
  });
}

const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

interface Fsck {
  readonly Faults: readonly { readonly message: string }[];
}

async function faultsOf(daemon: Daemon): Promise<string[]> {
  const { Faults } = (await daemon.http.call('POST', '/skiff/fsck')).json<Fsck>();
  return Faults.map(({ message }) => message);
}

/** Numbers that look random and are the same every time. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

test(`killed ${KILLS} times among pulls, loads, removals and prunes, nothing is half there`, options, async () => {
  await using daemon = new Daemon();
  const folder = `${daemon.folder}/parts`;
  mkdirSync(folder);
  const tars = makeLayers(folder, 3);
  await writeArchive(`${folder}/image.tar`, { tag: 'loaded:1', layers: tars, config: { Cmd: ['true'] } });
  const plain = tars.map((path) => readFileSync(path));
  await using registry = new StaticRegistry(
    plain.map((layer) => gzipSync(layer, { level: 1 })),
    { architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: plain.map(digestOf) } },
  );
  await registry.listen();
  registry.pause = 1;
  const pulled = `${registry.host}/app:1`;
  const random = generator(20_261_126);
  const acts = [
    () => daemon.http.send('POST', `/images/create?fromImage=${encodeURIComponent(`${registry.host}/app`)}&tag=1`),
    () => daemon.http.send('POST', '/images/load?quiet=1', createReadStream(`${folder}/image.tar`)),
    () => daemon.http.send('DELETE', `/images/${pulled}?force=1`),
    () => daemon.http.send('DELETE', '/images/loaded:1?force=1'),
    () => daemon.http.send('POST', `/images/prune?filters=${encodeURIComponent('{"dangling":["false"]}')}`),
  ];
  let seen = 0;
  for (let turn = 0; turn < KILLS; turn += 1) {
    await daemon.start();
    assert.deepEqual(await faultsOf(daemon), [], `after kill ${turn}`);
    const list = (await daemon.http.call('GET', '/images/json')).json<readonly unknown[]>();
    seen += list.length;
    // Pulls and loads more often, a second act at the same time now and then.
    const chosen = [random(8), ...(random(3) === 0 ? [random(8)] : [])].map(
      (number) => acts[number < 5 ? number % 2 : number - 3]!,
    );
    const running = chosen.map((act) => act().catch(() => undefined));
    await sleep(random([60, 400, 1500][turn % 3]!));
    await daemon.end('SIGKILL');
    await Promise.all(running);
  }
  assert.ok(seen > KILLS / 20, `images were there after some of the kills: ${seen}`);
  await daemon.start();
  assert.deepEqual(await faultsOf(daemon), []);
  for (const act of acts.slice(0, 2)) {
    const { status, text } = await act();
    assert.equal(status, 200, text);
    assert.doesNotMatch(text, /error/);
  }
  await daemon.http.call('POST', '/skiff/fsck?deep=1');
  assert.deepEqual(await faultsOf(daemon), []);
  await daemon.http.call('DELETE', `/images/${pulled}?force=1`);
  await daemon.http.call('DELETE', '/images/loaded:1?force=1');
  const { LayersSize } = (await daemon.http.call('GET', '/v1.51/system/df')).json<{ LayersSize: number }>();
  const { ContentSize } = (await daemon.http.call('GET', '/skiff/content')).json<{ ContentSize: number }>();
  assert.deepEqual([LayersSize, ContentSize], [0, 0], 'nothing is left of any of it');
});

test('a pull that was cut off by a kill goes on where it was', options, async () => {
  await using daemon = new Daemon();
  const folder = `${daemon.folder}/parts`;
  mkdirSync(folder);
  const [path] = makeLayers(folder, 1) as [string];
  const plain = readFileSync(path);
  const config = {
    architecture: 'amd64',
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: [digestOf(plain)] },
  };
  await using registry = new StaticRegistry([gzipSync(plain, { level: 1 })], config);
  await registry.listen();
  registry.pause = 20;
  const pull = () =>
    daemon.http.send('POST', `/images/create?fromImage=${encodeURIComponent(`${registry.host}/app`)}&tag=1`);
  await daemon.start();
  const cut = pull().catch(() => undefined);
  const partial = async (): Promise<number> =>
    (await daemon.http.call('GET', '/skiff/content')).json<{ PartialSize: number }>().PartialSize;
  await eventually('a part has come', async () => (await partial()) > 500_000, 10_000);
  await daemon.end('SIGKILL');
  await cut;
  registry.pause = 0;
  await daemon.start();
  const before = registry.starts.length;
  const { text } = await pull();
  assert.match(text, /Downloaded newer image/);
  const [start = 0] = registry.starts.slice(before).filter((first) => first > 0);
  assert.ok(start > 400_000, `the second pull began at byte ${start}`);
  assert.deepEqual(await faultsOf(daemon), []);
  rmSync(folder, { recursive: true });
});
