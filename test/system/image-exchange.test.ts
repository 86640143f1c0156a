/**
 * Images go to and from Docker, Podman and skopeo, through archives and registries, and come back the same: the same
 * ids, the same digests byte for byte, the same files, and they run everywhere.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import {
  copyFileSync,
  createReadStream,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { after, before, test } from 'node:test';
import { Daemon } from '../support/daemon.ts';
import { Dockerd, podman, runTool, startDistribution, toolOutput } from '../support/engines.ts';
import { eventually } from '../support/eventually.ts';
import { writeArchive } from '../support/image-archive.ts';
import { missing } from '../support/needs.ts';
import { PrivateNetwork } from '../support/network.ts';
import { busyboxTar, debianSource, debianTar } from '../support/rootfs.ts';

const needs = [
  'root',
  'dockerd',
  'docker',
  'podman',
  'skopeo',
  'docker-registry',
  'nsenter',
  'setfattr',
  'setcap',
  'curl',
];
const skip = missing(...needs);
const options = { skip, timeout: 300_000 };
const folder = mkdtempSync(`${tmpdir()}/skiff-exchange-`);
const DISTRIBUTION = 'localhost:5601';
const OURS = 'localhost:5602';

let network: PrivateNetwork;
let skiff: Daemon;
let dockerd: Dockerd;
let registry: ChildProcess;
const undo = new AsyncDisposableStack();

const docker = (...args: string[]): string => toolOutput(dockerd.docker(...args));
const skopeo = (...args: string[]): string => toolOutput([...network.enter, 'skopeo', '--insecure-policy', ...args]);
const inPodman = (...args: string[]): string => toolOutput([...network.enter, ...podman(folder, ...args)]);
/** This machine's root may not raise limits, which podman does unless told others. */
const PODMAN_RUN = ['run', '--rm', '--network', 'none', '--ulimit', 'nofile=512:512', '--ulimit', 'nproc=512:512'];
/** The docker command against our daemon. */
const ours = (...args: string[]): string => toolOutput(['docker', '--host', `unix://${skiff.socket}`, ...args]);

before(async () => {
  if (skip !== false) return;
  network = undo.use(new PrivateNetwork());
  await network.ready();
  skiff = undo.use(new Daemon(network.enter));
  await skiff.start();
  mkdirSync(`${folder}/dockerd`);
  dockerd = undo.use(new Dockerd(`${folder}/dockerd`, network.enter));
  await dockerd.start('--insecure-registry', DISTRIBUTION, '--insecure-registry', OURS);
  undo.use(await startDistribution(folder, 5601, network.enter));
  const log = openSync(`${folder}/skiff-registry.log`, 'w');
  const program = `${import.meta.dirname}/../../bin/skiff-registry`;
  const [command, ...args] = [
    ...network.enter,
    program,
    '--data-root',
    `${folder}/registry`,
    '--listen',
    '127.0.0.1:5602',
  ];
  registry = spawn(command, args, { stdio: ['ignore', log, log] });
  undo.defer(async () => {
    const ended = new Promise((resolve) => registry.once('exit', resolve));
    registry.kill('SIGTERM');
    await ended;
  });
  await eventually(
    'skiff-registry listens',
    () => readFileSync(`${folder}/skiff-registry.log`, 'utf8').includes('listen on'),
    15_000,
  );
});

after(async () => {
  await undo.disposeAsync();
  rmSync(folder, { recursive: true, force: true });
});

async function load(path: string): Promise<void> {
  const { text } = await skiff.http.call('POST', '/images/load?quiet=1', createReadStream(path));
  assert.match(text, /Loaded image/);
}

interface Inspected {
  readonly Id: string;
  readonly RepoDigests: readonly string[] | null;
  readonly RootFS: { readonly Layers: readonly string[] };
}
const inspect = (text: string): Inspected => (JSON.parse(text) as Inspected[])[0]!;

/** Everything in the image as a program inside sees it, without what engines put there. */
const LISTING = `cd /; find . -xdev ! -path './proc*' ! -path './dev*' ! -path './sys*' ! -path './etc/hosts' ! -path './etc/hostname' ! -path './etc/resolv.conf' ! -path './etc/mtab' ! -path './.dockerenv' ! -path './run*' ! -path ./etc ! -path . | sort | while read -r f; do stat -c '%n %A %u %g %s %Y %h' "$f"; [ -h "$f" ] && readlink "$f"; [ -f "$f" ] && md5sum < "$f"; done; true`;

/** A busybox image of three layers with everything tars can say: links, capabilities, sparse files, whiteouts. */
async function everything(): Promise<string> {
  const at = `${folder}/everything`;
  mkdirSync(`${at}/one/data/deep`, { recursive: true });
  const script = `
    cd "$1/one/data"
    echo first > file; ln file linked; ln -s file pointing; echo gone > removed; mkdir whole; echo x > whole/inside
    truncate -s 3M sparse; printf end >> sparse; cp /bin/true capable; setcap cap_net_bind_service+ep capable
    setfattr -n user.note -v hello file; chown 1000:50 deep; chmod 2775 deep; mkfifo pipe; mknod device c 1 7
    touch -d '2001-02-03T04:05:06.789012345Z' deep; cp /bin/true setuid; chmod 4755 setuid
    mkdir -p "$1/two/data/whole"
    cd "$1/two/data"; touch .wh.removed; touch whole/.wh..wh..opq; echo new > whole/other; echo second > file
    mkdir -p "$1/three/later"; echo third > "$1/three/later/file"
    for layer in one two three; do
      tar -C "$1/$layer" --xattrs --xattrs-include='*' --format=posix --numeric-owner -cf "$1/$layer.tar" .
    done
    mkdir -p "$1/holes"; truncate -s 5M "$1/holes/first"; printf end >> "$1/holes/first"; truncate -s 9M "$1/holes/all"
    tar -C "$1/holes" --sparse --format=posix -cf "$1/holes.tar" .`;
  execFileSync('sh', ['-ec', script, 'sh', at]);
  // Docker cannot give a layer with GNU's sparse files away again, so they have an image of their own.
  await writeArchive(`${folder}/holes.tar`, { tag: 'holes:1', layers: [busyboxTar(), `${at}/holes.tar`] });
  const path = `${at}.tar`;
  const layers = [busyboxTar(), `${at}/one.tar`, `${at}/two.tar`, `${at}/three.tar`];
  await writeArchive(path, {
    tag: 'everything:1',
    layers,
    config: { Cmd: ['sh'], Env: ['PATH=/bin'], Labels: { a: 'b' } },
  });
  return path;
}

test('an image with everything a tar can say is the same here, in Docker and in Podman', options, async () => {
  const path = await everything();
  await load(path);
  docker('load', '-i', path);
  inPodman('load', '-q', '-i', path);
  const here = inspect(ours('image', 'inspect', 'everything:1'));
  const there = inspect(docker('image', 'inspect', 'everything:1'));
  assert.equal(here.Id, there.Id);
  assert.deepEqual(here.RootFS.Layers, there.RootFS.Layers);
  const run = ['run', '--rm', '--network', 'none', 'everything:1', 'sh', '-c', LISTING];
  const listing = ours(...run);
  assert.ok(listing.length > 2000 && listing.includes('./data/whole/other') && !listing.includes('./data/removed'));
  assert.equal(listing, docker(...run));
  const capability = 'getcap /data/capable || cat /data/capable | wc -c';
  assert.equal(
    ours('run', '--rm', '--network', 'none', 'everything:1', 'sh', '-c', capability),
    docker('run', '--rm', '--network', 'none', 'everything:1', 'sh', '-c', capability),
  );
});

test('files with holes are the same here and in Docker', options, async () => {
  await load(`${folder}/holes.tar`);
  docker('load', '-i', `${folder}/holes.tar`);
  const run = ['run', '--rm', '--network', 'none', 'holes:1', 'sh', '-c', 'md5sum /first /all; stat -c %s /first /all'];
  assert.equal(ours(...run), docker(...run));
  assert.match(ours('run', '--rm', '--network', 'none', 'holes:1', 'du', '-k', '/all'), /^0\s/);
  ours('rmi', 'holes:1');
});

test('archives of ours are read by Docker, Podman and skopeo, and theirs by us', options, async () => {
  const id = inspect(ours('image', 'inspect', 'everything:1')).Id;
  ours('tag', 'everything:1', 'mine/all:2');
  ours('save', '-o', `${folder}/ours.tar`, 'mine/all:2');
  docker('load', '-i', `${folder}/ours.tar`);
  assert.equal(inspect(docker('image', 'inspect', 'mine/all:2')).Id, id);
  inPodman('load', '-q', '-i', `${folder}/ours.tar`);
  assert.match(inPodman(...PODMAN_RUN, 'mine/all:2', 'cat', '/later/file'), /third/);
  skopeo('copy', '-q', `docker-archive:${folder}/ours.tar`, `oci-archive:${folder}/skopeo-oci.tar:from/skopeo:1`);
  docker('tag', 'everything:1', 'from/docker:1');
  docker('save', '-o', `${folder}/docker.tar`, 'from/docker:1');
  inPodman('save', '-q', '--format', 'docker-archive', '-o', `${folder}/podman.tar`, 'mine/all:2');
  inPodman('save', '-q', '--format', 'oci-archive', '-o', `${folder}/podman-oci.tar`, 'mine/all:2');
  ours('rmi', 'everything:1', 'mine/all:2');
  for (const [file, tag] of [
    ['docker.tar', 'from/docker:1'],
    ['podman.tar', 'mine/all:2'],
    ['ours.tar', 'mine/all:2'],
    ['skopeo-oci.tar', 'from/skopeo:1'],
  ] as const) {
    await load(`${folder}/${file}`);
    // skopeo writes another config for OCI, and so another id.
    if (file !== 'skopeo-oci.tar') assert.equal(inspect(ours('image', 'inspect', tag)).Id, id, file);
    assert.equal(ours('run', '--rm', '--network', 'none', tag, 'cat', '/later/file'), 'third\n', file);
  }
  await load(`${folder}/podman-oci.tar`);
});

test('an archive is the same archive after a round trip', options, async () => {
  ours('tag', 'from/docker:1', 'round/trip:1');
  ours('save', '-o', `${folder}/before.tar`, 'round/trip:1');
  ours('rmi', '-f', inspect(ours('image', 'inspect', 'round/trip:1')).Id);
  await load(`${folder}/before.tar`);
  ours('save', '-o', `${folder}/after.tar`, 'round/trip:1');
  assert.ok(readFileSync(`${folder}/before.tar`).equals(readFileSync(`${folder}/after.tar`)));
});

for (const [name, host] of [
  ["Debian's registry", DISTRIBUTION],
  ['skiff-registry', OURS],
] as const) {
  test(`through ${name} images keep their digests, from and to every engine`, options, async () => {
    const raw = (reference: string): string =>
      skopeo('inspect', '--raw', '--tls-verify=false', `docker://${reference}`);
    const sha = (text: string): string =>
      `sha256:${execFileSync('sha256sum', { input: text }).toString().slice(0, 64)}`;
    // From Docker, by us, to another name, and back into Docker and Podman.
    docker('tag', 'everything:1', `${host}/docker/app:1`);
    docker('push', '-q', `${host}/docker/app:1`);
    const digest = sha(raw(`${host}/docker/app:1`));
    ours('pull', '-q', `${host}/docker/app:1`);
    const pulled = inspect(ours('image', 'inspect', `${host}/docker/app:1`));
    assert.equal(pulled.Id, inspect(docker('image', 'inspect', 'everything:1')).Id);
    assert.ok(pulled.RepoDigests?.includes(`${host}/docker/app@${digest}`));
    ours('tag', `${host}/docker/app:1`, `${host}/skiff/app:1`);
    ours('push', '-q', `${host}/skiff/app:1`);
    assert.equal(raw(`${host}/skiff/app:1`), raw(`${host}/docker/app:1`), 'the manifest, byte for byte');
    docker('pull', '-q', `${host}/skiff/app:1`);
    assert.equal(inspect(docker('image', 'inspect', `${host}/skiff/app:1`)).Id, pulled.Id);
    inPodman('pull', '-q', '--tls-verify=false', `${host}/skiff/app:1`);
    assert.match(inPodman(...PODMAN_RUN, `${host}/skiff/app:1`, 'cat', '/later/file'), /third/);
    // Made by Podman (OCI, gzip) and by skopeo (OCI, zstd), pulled by us, run, and given on unchanged.
    inPodman('push', '-q', '--tls-verify=false', '--format', 'oci', `${host}/skiff/app:1`, `${host}/podman/app:1`);
    skopeo(
      'copy',
      '-q',
      '--dest-tls-verify=false',
      '--src-tls-verify=false',
      '--dest-compress-format',
      'zstd',
      '--format',
      'oci',
      `docker://${host}/docker/app:1`,
      `docker://${host}/skopeo/app:1`,
    );
    for (const from of ['podman', 'skopeo']) {
      ours('pull', '-q', `${host}/${from}/app:1`);
      assert.equal(ours('run', '--rm', '--network', 'none', `${host}/${from}/app:1`, 'cat', '/later/file'), 'third\n');
      const [repoDigest = ''] =
        inspect(ours('image', 'inspect', `${host}/${from}/app:1`)).RepoDigests?.filter((each) =>
          each.startsWith(`${host}/${from}/`),
        ) ?? [];
      assert.equal(repoDigest.split('@')[1], sha(raw(`${host}/${from}/app:1`)));
      ours('pull', '-q', repoDigest);
    }
    // Made by us: committed, pushed twice with the same digest, run by Docker.
    const container = ours(
      'run',
      '-d',
      '--network',
      'none',
      pulled.Id,
      'sh',
      '-c',
      'echo made > /made; rm /later/file',
    ).trim();
    ours('wait', container);
    ours('commit', '-m', 'by hand', '-c', 'ENV BY=hand', container, `${host}/made/app:1`);
    ours('rm', container);
    ours('push', '-q', `${host}/made/app:1`);
    const first = raw(`${host}/made/app:1`);
    ours('push', '-q', `${host}/made/app:1`);
    assert.equal(raw(`${host}/made/app:1`), first);
    docker('pull', '-q', `${host}/made/app:1`);
    const script = 'cat /made; echo $BY; ls /later';
    assert.equal(docker('run', '--rm', '--network', 'none', `${host}/made/app:1`, 'sh', '-c', script), 'made\nhand\n');
    docker('rmi', '-f', `${host}/made/app:1`, `${host}/skiff/app:1`, `${host}/docker/app:1`);
    ours('rmi', `${host}/made/app:1`, `${host}/skopeo/app:1`, `${host}/podman/app:1`);
  });
}

test('an image of 100 layers is loaded, run, given away and taken back', options, async () => {
  const layers = [busyboxTar()];
  for (let index = 1; index < 100; index += 1) {
    const root = `${folder}/hundred/${index}`;
    mkdirSync(`${root}/layers`, { recursive: true });
    writeFileSync(`${root}/layers/${index}`, `${index}\n`);
    writeFileSync(`${root}/layers/last`, `${index}\n`);
    execFileSync('tar', ['-C', root, '-cf', `${root}.tar`, '.']);
    layers.push(`${root}.tar`);
  }
  await writeArchive(`${folder}/hundred.tar`, { tag: `${OURS}/hundred:1`, layers, config: { Cmd: ['sh'] } });
  await load(`${folder}/hundred.tar`);
  const run = [
    'run',
    '--rm',
    '--network',
    'none',
    `${OURS}/hundred:1`,
    'sh',
    '-c',
    'ls /layers | wc -l; cat /layers/last',
  ];
  assert.equal(ours(...run), '100\n99\n');
  ours('push', '-q', `${OURS}/hundred:1`);
  ours('rmi', `${OURS}/hundred:1`);
  ours('pull', '-q', `${OURS}/hundred:1`);
  assert.equal(ours(...run), '100\n99\n');
  docker('pull', '-q', `${OURS}/hundred:1`);
  assert.equal(docker(...run), '100\n99\n');
  docker('rmi', '-f', `${OURS}/hundred:1`);
  ours('rmi', `${OURS}/hundred:1`);
});

test('a file of 1 GiB and a whole Debian go to Docker and come back', {
  ...options,
  skip: skip || (debianSource() ? missing('debootstrap') : "needs Debian's mirror"),
}, async () => {
  const root = `${folder}/large`;
  mkdirSync(root);
  execFileSync('sh', [
    '-ec',
    'yes "some text that is not quite the same every time" | head -c 1073741824 > "$1/file"',
    'sh',
    root,
  ]);
  execFileSync('tar', ['-C', root, '-cf', `${root}.tar`, '.']);
  rmSync(root, { recursive: true });
  copyFileSync(debianTar(), `${folder}/debian.tar`);
  const id = await writeArchive(`${folder}/large-image.tar`, {
    tag: 'debian/large:1',
    layers: [`${folder}/debian.tar`, `${root}.tar`],
    config: { Cmd: ['bash'] },
  });
  await load(`${folder}/large-image.tar`);
  rmSync(`${folder}/large-image.tar`);
  assert.equal(inspect(ours('image', 'inspect', 'debian/large:1')).Id, id);
  const check = [
    'run',
    '--rm',
    '--network',
    'none',
    'debian/large:1',
    'bash',
    '-c',
    'stat -c %s /file; dpkg -l | wc -l; dpkg --verify | wc -l',
  ];
  const [size, packages, changed] = ours(...check).split('\n');
  assert.deepEqual([size, changed], ['1073741824', '0']);
  assert.ok(Number(packages) > 50);
  ours('save', '-o', `${folder}/large-ours.tar`, 'debian/large:1');
  docker('load', '-q', '-i', `${folder}/large-ours.tar`);
  assert.equal(inspect(docker('image', 'inspect', 'debian/large:1')).Id, id);
  assert.equal(docker(...check).split('\n')[2], '0');
  docker('rmi', '-f', 'debian/large:1');
  ours('rmi', 'debian/large:1');
});

test('nothing is left when everything is removed', options, async () => {
  ours('image', 'prune', '-af');
  const { text } = await skiff.http.call('POST', '/skiff/fsck?deep=1');
  assert.deepEqual(JSON.parse(text), { Faults: [] });
  const { LayersSize } = (await skiff.http.call('GET', '/v1.51/system/df')).json<{ LayersSize: number }>();
  const { ContentSize } = (await skiff.http.call('GET', '/skiff/content')).json<{ ContentSize: number }>();
  assert.deepEqual([LayersSize, ContentSize], [0, 0]);
  assert.equal(runTool(dockerd.docker('version')).status, 0);
});
