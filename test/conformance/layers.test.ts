/** Layers as Docker's overlay2 driver makes them: what `docker diff` says, what `docker commit` packs, what sizes are. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { helperPath, readHostFacts } from '#linux';
import { TarReader, type TarEntry } from '#wire';
import { startDocker } from '../../bench/daemons.ts';
import { changesOf } from '../../src/images/layers/changes.ts';
import { openLayerUnpacker } from '../../src/images/layers/layer-unpacker.ts';
import { packLayer } from '../../src/images/layers/pack-layer.ts';
import { makeRootfs, reasonToSkip } from '../support/bundle.ts';

const skip = reasonToSkip('dockerd', 'docker', 'containerd', 'unshare');
const facts = readHostFacts();

/** One of every kind of change. */
const CHANGES = `
  cd /t; echo x >> one; rm two; touch three; rm -r o; mkdir o; echo n > o/new; rm -r d/e; mv r r2; mkdir -p n/m
  echo > n/m/k; chmod 700 d; rm f2d; mkdir f2d; echo > f2d/in; rm -r d2f; echo > d2f; mknod dev c 1 3; chown 5:6 hard
  rm sym; ln -s two sym; touch d/a; ln one one-more`;

function makeTree(root: string): void {
  makeRootfs(root);
  const script = `
    mkdir -p t/d/e t/o/p t/r t/d2f; cd t; for n in d/a d/e/b o/c o/p/x one two three r/r d2f/q f2d; do echo $n > $n; done
    ln -s one sym; ln one hard`;
  execFileSync('sh', ['-ec', script], { cwd: root });
}

/** What matters of an archive's entries. compat: old Docker puts type bits into the mode. */
function entriesOf(tar: Buffer): string[] {
  const found: string[] = [];
  const note = ({ type, path, mode, uid, gid, size, linkPath, devMajor, devMinor }: TarEntry): void => {
    const target = type === 'symlink' || type === 'hard-link' ? ` ${linkPath}` : '';
    found.push(`${type} ${path} ${(mode & 0o7777).toString(8)} ${uid}:${gid} ${size} ${devMajor}:${devMinor}${target}`);
  };
  const reader = new TarReader({ entry: note, data: () => {}, hole: () => {}, end: () => {} });
  reader.push(tar);
  reader.end();
  return found;
}

test('changes, packed layers and sizes are those of dockerd', { skip, timeout: 120_000 }, async () => {
  const folder = mkdtempSync(`${tmpdir()}/skiff-dockerd-`);
  try {
    await using daemon = await startDocker(folder);
    const docker = (...args: string[]): string =>
      execFileSync('docker', ['--host', `unix://${daemon!.socket}`, ...args], { encoding: 'utf8' }).trim();
    mkdirSync(`${folder}/rootfs`);
    makeTree(`${folder}/rootfs`);
    execFileSync('tar', ['-C', `${folder}/rootfs`, '-cf', `${folder}/image.tar`, '.']);
    docker('import', `${folder}/image.tar`, 'base:1');
    docker('run', '--name', 'changed', '--network', 'none', 'base:1', 'sh', '-ec', CHANGES);
    const foldersOf = (name: string): { readonly LowerDir: string; readonly UpperDir: string } =>
      JSON.parse(docker('inspect', name, '--format', '{{json .GraphDriver.Data}}'));
    const letters = { modified: 'C', added: 'A', deleted: 'D' } as const;
    const told = (name: string): string[] => docker('diff', name).split('\n').toSorted();
    const counted = async (name: string): Promise<string[]> => {
      const { LowerDir, UpperDir } = foldersOf(name);
      const lowers = LowerDir.split(':');
      const changes = await changesOf({ folders: [UpperDir, ...lowers], lowers, facts });
      return changes.map(({ kind, path }) => `${letters[kind]} ${path}`).toSorted();
    };
    // Without a folder made again, which is found out in another way.
    docker(
      'run',
      '--name',
      'plain',
      '--network',
      'none',
      'base:1',
      'sh',
      '-ec',
      CHANGES.replace(/rm -r o;.*?;.*?;/, ''),
    );
    assert.deepEqual(await counted('plain'), told('plain'));
    assert.ok(told('plain').length > 18);
    docker('rm', 'plain');
    assert.deepEqual(await counted('changed'), told('changed'));
    assert.ok(told('changed').length > 20);

    docker('commit', 'changed', 'after:1');
    docker('save', 'after:1', '-o', `${folder}/save.tar`);
    mkdirSync(`${folder}/saved`);
    execFileSync('tar', ['-C', `${folder}/saved`, '-xf', `${folder}/save.tar`]);
    const [manifest] = JSON.parse(readFileSync(`${folder}/saved/manifest.json`, 'utf8')) as [{ Layers: string[] }];
    const theirs = readFileSync(`${folder}/saved/${manifest.Layers.at(-1)!}`);
    const ours = Buffer.concat(await Array.fromAsync(packLayer({ folder: foldersOf('changed').UpperDir, facts })));
    assert.deepEqual(entriesOf(ours), entriesOf(theirs));

    await using unpacker = openLayerUnpacker({ helperProgram: helperPath() });
    let sizeBytes = 0;
    for (const [index, tar] of [readFileSync(`${folder}/image.tar`), theirs].entries()) {
      writeFileSync(`${folder}/${index}.tar`, tar);
      mkdirSync(`${folder}/${index}`);
      sizeBytes += (await unpacker.unpack({ blob: `${folder}/${index}.tar`, folder: `${folder}/${index}` })).sizeBytes;
    }
    assert.equal(String(sizeBytes), docker('inspect', 'after:1', '--format', '{{.Size}}'));
    docker('rm', '-f', 'changed');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
