/** The archives that the steps of the comparison load and import: whole ones, and one of each kind that is not. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { archive, file, folder } from '../support/archives.ts';
import { fileDigest, sizeOf, writeArchive } from '../support/image-archive.ts';
import { busyboxTar } from '../support/rootfs.ts';

type Parts = Readonly<Record<string, Buffer>>;

/** Fills `at` with the working files of one side, the same bytes each time; gives the names of known ids. */
export async function writeFiles(at: string): Promise<ReadonlyMap<string, string>> {
  const layer = archive(folder('etc/'), file('etc/marker', 'of the second layer\n'));
  writeFileSync(`${at}/layer.tar`, layer);
  copyFileSync(busyboxTar(), `${at}/busybox.tar`);
  const base = await writeArchive(`${at}/base.tar`, {
    tag: 'base:1',
    layers: [`${at}/busybox.tar`],
    config: { Cmd: ['sh'], Env: ['PATH=/bin'], Labels: { a: 'b' } },
    created: '2026-01-02T03:04:05Z',
  });
  const two = await writeArchive(`${at}/two.tar`, {
    tag: 'two:1',
    layers: [`${at}/busybox.tar`, `${at}/layer.tar`],
    config: {
      Cmd: ['sh', '-c', 'echo two'],
      Env: ['PATH=/bin', 'A=b'],
      ExposedPorts: { '80/tcp': {} },
    },
    created: '2026-02-03T04:05:06Z',
  });
  execFileSync('gzip', ['-kn', `${at}/two.tar`]);
  writeBroken(at);
  const ids: Readonly<Record<string, string>> = {
    base,
    two,
    'layer-0': await fileDigest(`${at}/busybox.tar`),
    'layer-1': await fileDigest(`${at}/layer.tar`),
  };
  return new Map(Object.entries(ids).map(([name, id]) => [id.slice('sha256:'.length, 'sha256:'.length + 12), name]));
}

function writeBroken(at: string): void {
  writeFileSync(`${at}/garbage.tar`, 'this is no archive, whatever its name may say\n'.repeat(100));
  writeFileSync(`${at}/empty.tar`, '');
  copyFileSync(`${at}/two.tar`, `${at}/truncated.tar`);
  truncateSync(`${at}/truncated.tar`, Math.floor(sizeOf(`${at}/two.tar`) / 2));
  mkdirSync(`${at}/parts`);
  execFileSync('tar', ['-C', `${at}/parts`, '-xf', `${at}/two.tar`]);
  const [entry] = JSON.parse(readFileSync(`${at}/parts/manifest.json`, 'utf8')) as [{ Config: string }];
  const config = readFileSync(`${at}/parts/${entry.Config}`);
  const [base, second] = ['layer-0/layer.tar', 'layer-1/layer.tar'];
  const whole: Parts = {
    [entry.Config]: config,
    [base]: readFileSync(`${at}/parts/${base}`),
    [second]: readFileSync(`${at}/parts/${second}`),
  };
  const list = (change: object = {}): Buffer =>
    Buffer.from(JSON.stringify([{ Config: entry.Config, RepoTags: ['broken:1'], Layers: [base, second], ...change }]));
  const { [second]: _, ...withoutLayer } = whole;
  const kinds: Readonly<Record<string, Parts>> = {
    'no-manifest': whole,
    'bad-manifest': { ...whole, 'manifest.json': Buffer.from('{nonsense') },
    'missing-config': { ...whole, 'manifest.json': list({ Config: 'nothing.json' }) },
    'missing-layer': { ...withoutLayer, 'manifest.json': list() },
    'bad-config': { ...whole, [entry.Config]: Buffer.from('{'), 'manifest.json': list() },
    'bad-tag': { ...whole, 'manifest.json': list({ RepoTags: ['Not A Name'] }) },
    'wrong-layer': { ...whole, [second]: archive(file('other', 'other\n')), 'manifest.json': list() },
    untagged: { ...whole, 'manifest.json': list({ RepoTags: null }) },
  };
  for (const [name, parts] of Object.entries(kinds)) {
    writeFileSync(`${at}/${name}.tar`, archive(...Object.entries(parts).map(([path, bytes]) => file(path, bytes))));
  }
}
