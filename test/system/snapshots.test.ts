/** Writable layers of both kinds, on a real kernel. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename } from 'node:path';
import { test } from 'node:test';
import { memoryRecordStores } from '#base';
import { helperPath, readHostFacts } from '#linux';
import { LayerStore } from '../../src/images/layers/layer-store.ts';
import { CopySnapshots } from '../../src/images/snapshots/copy-snapshots.ts';
import { openSnapshots } from '../../src/images/snapshots/open-snapshots.ts';
import { OverlaySnapshots } from '../../src/images/snapshots/overlay-snapshots.ts';
import { snapshotsContract } from '../contracts/snapshots.ts';
import { removeCgroups } from '../support/leaks.ts';
import { missing } from '../support/needs.ts';

const options = { skip: missing('root') };

snapshotsContract('overlays', (given) => new OverlaySnapshots(given), options);
snapshotsContract('copies', (given) => new CopySnapshots(given), options);

test('what a data folder can do is tried once and noted', options, async (context) => {
  const dataRoot = mkdtempSync(`${tmpdir()}/skiff-snapshots-`);
  context.after(() => rmSync(dataRoot, { recursive: true, force: true }));
  const records = memoryRecordStores();
  const layers = new LayerStore({ dataRoot, records });
  const helperProgram = helperPath();
  const given = { dataRoot, records, layers, helperProgram, facts: readHostFacts(), stackOf: () => [] };
  assert.ok(openSnapshots(given) instanceof OverlaySnapshots);
  assert.deepEqual(readdirSync(dataRoot).toSorted(), ['containers', 'init-layer', 'layers']);
  const driver = records.of<object>('storage');
  assert.deepEqual(driver.get('driver'), { version: 1, driver: 'overlay2' });
  driver.put('driver', { version: 1, driver: 'vfs', fault: 'as noted' });
  assert.ok(openSnapshots(given) instanceof CopySnapshots);
});

const TRIAL = `
  import { overlayFault } from '#linux';
  console.log(overlayFault(process.argv[1], ['index=off']) ?? 'fine');
`;

/** What the trial says of a file system that the script mounts on $1, in a mount namespace of its own. */
function trialOn(script: string): string {
  const folder = mkdtempSync(`${tmpdir()}/skiff-trial-`);
  try {
    mkdirSync(`${folder}/mounted`);
    const run = `${script}; exec "$2" --input-type=module-typescript -e "$3" "$1/mounted"`;
    const args = ['-m', 'sh', '-ec', run, 'sh', folder, process.execPath, TRIAL];
    return execFileSync('unshare', args, { encoding: 'utf8', cwd: new URL('../..', import.meta.url) }).trim();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('a file system that cannot carry an overlay is found out by trying', options, () => {
  assert.equal(trialOn('true'), 'fine');
  assert.match(trialOn('mount -t ramfs ramfs "$1/mounted"'), /^the marks of overlayfs cannot be made in .*opaque/);
  const overlay =
    'mkdir "$1/l" "$1/u" "$1/w"; mount -t overlay o -o "lowerdir=$1/l,upperdir=$1/u,workdir=$1/w" "$1/mounted"';
  assert.match(trialOn(overlay), /^the marks of overlayfs cannot be made in|^an overlay cannot be mounted on/);
});

/** Why no ext4 with project quotas can be had here, or false. */
function reasonForNoQuota(): string | false {
  const reason = missing('root', 'mkfs.ext4', 'losetup');
  if (reason !== false) return reason;
  const script =
    'truncate -s 16M "$1/i"; mkfs.ext4 -q -O quota,project "$1/i"; mount -o loop,prjquota "$1/i" "$1/m"; umount "$1/m"';
  const folder = mkdtempSync(`${tmpdir()}/skiff-quota-`);
  mkdirSync(`${folder}/m`);
  const tried = spawnSync('unshare', ['-m', 'sh', '-ec', script, 'sh', folder]);
  rmSync(folder, { recursive: true });
  return tried.status === 0 ? false : 'needs a kernel with quotas for ext4 (CONFIG_QUOTA, CONFIG_QFMT_V2)';
}

test('a project quota limits what is written into two folders together', { skip: reasonForNoQuota() }, () => {
  const folder = mkdtempSync(`${tmpdir()}/skiff-quota-`);
  mkdirSync(`${folder}/m`);
  const program = `
    import { limitFolders } from '#linux';
    const root = process.argv[1];
    limitFolders([root + '/a', root + '/b'], { projectId: 1000001, bytes: 1000000 });
  `;
  const script = `
    truncate -s 64M "$1/i"; mkfs.ext4 -q -O quota,project "$1/i"; mount -o loop,prjquota "$1/i" "$1/m"
    trap 'umount "$1/m"' EXIT; mkdir "$1/m/a" "$1/m/b" "$1/m/free"
    "$2" --input-type=module-typescript -e "$3" "$1/m"; cd "$1/m"
    head -c 600000 /dev/zero > a/fits; head -c 2000000 /dev/zero > free/unlimited
    if head -c 600000 /dev/zero > b/more; then echo not limited; exit 1; fi; mv b/more a/; cd /`;
  try {
    const args = ['-m', 'sh', '-ec', script, 'sh', folder, process.execPath, program];
    const { status, stdout, stderr } = spawnSync('unshare', args, {
      encoding: 'utf8',
      cwd: new URL('../..', import.meta.url),
    });
    assert.equal(status, 0, stdout + stderr);
    assert.match(stderr, /quota/i);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a daemon whose data folder is on an overlay runs containers from copies', options, () => {
  const folder = mkdtempSync('/tmp/skiff-test-');
  const parent = `/${basename(folder)}`;
  const script = `
    cd "$1"; mkdir l u w m run; mount -t overlay o -o lowerdir=l,upperdir=u,workdir=w m; mount -t tmpfs run run
    "$2/skiffd" --data-root "$1/m/data" --exec-root "$1/run" -H "unix://$1/s" --cgroup-parent "$3" > log 2>&1 & daemon=$!
    for turn in $(seq 100); do [ -S s ] && break; sleep 0.1; done
    export DOCKER_HOST="unix://$1/s"
    "$2/skiff" run --rm hello; "$2/skiff" info --format '{{.Driver}}'; ls m/data/containers
    kill $daemon; wait $daemon`;
  try {
    const bin = new URL('../../bin', import.meta.url).pathname;
    const args = ['-m', 'sh', '-ec', script, 'sh', folder, bin, parent];
    const { stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8', timeout: 30_000 });
    assert.match(stdout, /Ahoy! Your Skiff floats/, stderr);
    assert.match(stdout, /^vfs\n$/m, 'and nothing is left in the folder of containers');
  } finally {
    removeCgroups({ folder, cgroupParent: parent, mark: folder, ids: [] });
    rmSync(folder, { recursive: true });
  }
});
