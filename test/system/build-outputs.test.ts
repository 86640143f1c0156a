/** Where builds go and what they take along: outputs, caches, several platforms, statements; with buildx and with `skiff build`. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';
import { BuildxClient } from '../support/buildx.ts';
import { useDaemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { missing } from '../support/needs.ts';
import { Registry } from '../support/registry.ts';

const SKIFF = `${import.meta.dirname}/../../bin/skiff`;

interface Described {
  readonly digest: string;
  readonly mediaType: string;
  readonly platform?: { readonly architecture: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

suite('outputs and caches of builds', { skip: missing('root', 'busybox', 'go', 'docker'), timeout: 180_000 }, () => {
  const daemon = useDaemon();
  const registry = new Registry();
  let client: BuildxClient;

  before(async () => {
    await registry.start();
    client = new BuildxClient(mkdtempSync('/tmp/skiff-test-outputs-'), daemon.socket);
    client.write({
      'ctx/files':
        'FROM busybox AS made\nRUN mkdir -p /d/e && echo hi > /d/e/f && chmod 4751 /d/e/f && ln -s f /d/e/l && ln /d/e/f /d/h\n' +
        'FROM scratch\nCOPY --from=made /d /\n',
      'ctx/image': 'FROM busybox\nRUN echo one > /one\nCOPY image /\nCMD ["cat", "/one"]\n',
      'ctx/stages':
        'FROM busybox AS build\nCOPY image /i\nRUN echo built > /built\nFROM busybox\nCOPY --from=build /built /\nRUN cat /built\n',
      'ctx/platforms': 'FROM scratch\nARG TARGETARCH\nCOPY image /$TARGETARCH\n',
      'ctx/debian':
        'FROM busybox\nRUN mkdir -p /var/lib/dpkg && printf "Package: bash\\nStatus: install ok installed\\nVersion: 5.1-2\\n' +
        'Architecture: amd64\\n\\n" > /var/lib/dpkg/status && printf "ID=debian\\nVERSION_ID=11\\n" > /etc/os-release\n',
      secret: 'hidden\n',
    });
  });
  after(async () => {
    rmSync(client.folder, { recursive: true, force: true });
    await registry[Symbol.asyncDispose]();
  });

  const at = (path: string): string => `${client.folder}/${path}`;
  const image = (name: string): string => `${registry.address}/${name}`;

  async function buildx(...args: string[]) {
    const result = await client.docker(['build', '--progress', 'plain', ...args, 'ctx']);
    assert.equal(result.status, 0, result.stderr);
    return result;
  }

  async function skiff(...args: string[]) {
    const result = await client.start(SKIFF, ['build', ...args, 'ctx']).ended;
    assert.equal(result.status, 0, result.stderr);
    return result;
  }

  const prune = async (...images: string[]): Promise<void> => {
    for (const name of images) await client.docker(['rmi', '-f', name]);
    const { status, stderr } = await client.docker(['builder', 'prune', '-af']);
    assert.equal(status, 0, stderr);
  };

  function inArchive(path: string, name: string): Buffer {
    return execFileSync('tar', ['-xOf', at(path), name], { maxBuffer: 64 * 1024 * 1024 });
  }

  const documentIn = (path: string, digest: string) =>
    JSON.parse(inArchive(path, `blobs/${digest.replace(':', '/')}`).toString()) as {
      readonly manifests: readonly Described[];
      readonly layers: readonly Described[];
      readonly config: Described;
      readonly annotations?: Readonly<Record<string, string>>;
    };

  const rootOf = (path: string): Described =>
    (JSON.parse(inArchive(path, 'index.json').toString()) as { manifests: readonly Described[] }).manifests[0]!;

  async function fetched(name: string, reference: string) {
    const types = ['application/vnd.oci.image.index.v1+json', 'application/vnd.oci.image.manifest.v1+json'];
    const url = `http://${registry.address}/v2/${name}/manifests/${reference}`;
    const answer = await fetch(url, { headers: { Accept: types.join(', ') } });
    assert.equal(answer.status, 200, url);
    const text = await answer.text();
    const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`;
    return { digest, document: JSON.parse(text) as ReturnType<typeof documentIn> };
  }

  for (const [name, build] of [
    ['buildx', buildx],
    ['skiff build', skiff],
  ] as const) {
    test(`${name}: folders and archives of files`, async () => {
      const out = `out-${name[0]}`;
      await build('-f', 'ctx/files', '-o', out);
      assert.equal(readFileSync(at(`${out}/e/f`), 'utf8'), 'hi\n');
      assert.equal(lstatSync(at(`${out}/e/l`)).isSymbolicLink(), true);
      assert.equal(statSync(at(`${out}/h`)).ino, statSync(at(`${out}/e/f`)).ino);
      assert.equal(statSync(at(`${out}/e/f`)).mode & 0o777, 0o751);
      // What is there already is written over, and the rest stays.
      client.write({ [`${out}/e/own`]: 'mine\n', [`${out}/e/f2`]: '' });
      rmSync(at(`${out}/e/f`));
      client.write({ [`${out}/e/f`]: 'older\n' });
      await build('-f', 'ctx/files', '-o', `type=local,dest=${out}`);
      assert.deepEqual(readdirSync(at(`${out}/e`)).sort(), ['f', 'f2', 'l', 'own']);
      assert.equal(readFileSync(at(`${out}/e/f`), 'utf8'), 'hi\n');
      const tar = await build('-q', '-f', 'ctx/files', '-o', '-').catch(() => build('-f', 'ctx/files', '-o', '-'));
      const names = execFileSync('tar', ['-t'], { input: tar.bytes }).toString().trim().split('\n');
      assert.deepEqual(names, ['e/', 'e/f', 'e/l', 'h']);
    });

    test(`${name}: archives of images are read again, and several outputs are made at once`, async () => {
      const [docker, oci, layout] = [`d-${name[0]}.tar`, `o-${name[0]}.tar`, `l-${name[0]}`];
      await build(
        ...['-f', 'ctx/image', '-t', 'mine:1', '-o', `type=docker,dest=${docker}`],
        ...['-o', `type=oci,dest=${oci},compression=zstd,force-compression=true`],
        ...['-o', `type=oci,dest=${layout},tar=false,compression=uncompressed`],
      );
      await client.docker(['rmi', '-f', 'mine:1']);
      const loaded = await client.docker(['load', '-i', docker]);
      assert.match(loaded.stdout, /Loaded image: mine:1/, loaded.stderr);
      const run = await client.docker(['run', '--rm', 'mine:1']);
      assert.equal(run.stdout, 'one\n', run.stderr);
      const types = documentIn(oci, rootOf(oci).digest).layers.map(({ mediaType }) => mediaType);
      assert.deepEqual(
        types,
        Array.from({ length: 3 }, () => 'application/vnd.oci.image.layer.v1.tar+zstd'),
      );
      assert.equal(rootOf(oci).annotations?.['io.containerd.image.name'], 'docker.io/library/mine:1');
      assert.equal((await client.docker(['load', '-i', oci])).status, 0);
      const index = JSON.parse(readFileSync(at(`${layout}/index.json`), 'utf8')) as { manifests: Described[] };
      assert.ok(existsSync(at(`${layout}/blobs/${index.manifests[0]!.digest.replace(':', '/')}`)));
    });

    test(`${name}: a push, its digest, and the image by it`, async () => {
      const files = ['--metadata-file', 'meta.json', '--iidfile', 'iid'];
      await build('-f', 'ctx/image', '-t', image('pushed:1'), '--push', ...files);
      const metadata = JSON.parse(readFileSync(at('meta.json'), 'utf8')) as Record<string, unknown>;
      const { digest } = await fetched('pushed', '1');
      assert.equal(metadata['containerimage.digest'], digest);
      assert.equal(metadata['image.name'], image('pushed:1'));
      assert.equal((metadata['containerimage.descriptor'] as Described).digest, digest);
      const run = await client.docker(['run', '--rm', digest]);
      assert.equal(run.stdout, 'one\n', run.stderr);
      const again = await client.docker(['run', '--rm', readFileSync(at('iid'), 'utf8').trim()]);
      assert.equal(again.stdout, 'one\n', again.stderr);
    });
  }

  test('several platforms: an index in registries and archives, a folder each', async () => {
    const both = ['-f', 'ctx/platforms', '--platform', 'linux/amd64,linux/arm64'];
    await buildx(...both, '-o', 'both');
    assert.deepEqual(readdirSync(at('both/linux_arm64')), ['arm64']);
    const annotations = ['--annotation', 'index:a=b', '--annotation', 'manifest[linux/arm64]:c=d'];
    await buildx(...both, '--provenance=false', ...annotations, '-t', image('both:1'), '--push');
    const { document } = await fetched('both', '1');
    assert.deepEqual(
      document.manifests.map(({ platform }) => platform?.architecture),
      ['amd64', 'arm64'],
    );
    assert.deepEqual(document.annotations, { a: 'b' });
    const own = await Promise.all(document.manifests.map(({ digest }) => fetched('both', digest)));
    assert.deepEqual(
      own.map((each) => each.document.annotations),
      [undefined, { c: 'd' }],
    );
    await skiff(...both, '-t', 'both:2', '-o', 'type=oci,dest=both.tar');
    assert.equal(documentIn('both.tar', rootOf('both.tar').digest).manifests.length, 2);
  });

  test('a step for a machine nobody can imitate is refused before it runs', async () => {
    client.write({ 'ctx/foreign': 'FROM --platform=linux/s390x busybox\nRUN true\n' });
    const tar = await client.docker(['save', 'busybox']);
    assert.equal(tar.status, 0);
    const imported = await client.docker(
      ['import', '--platform', 'linux/s390x', '-', 'foreign'],
      Buffer.from(emptyTar),
    );
    assert.equal(imported.status, 0, imported.stderr);
    client.write({ 'ctx/foreign': 'FROM --platform=linux/s390x foreign\nRUN true\n' });
    const { status, stderr } = await client.docker(['build', '--platform', 'linux/s390x', '-f', 'ctx/foreign', 'ctx']);
    assert.deepEqual([status, /programs for linux\/s390x cannot be run here/.test(stderr)], [1, true], stderr);
  });

  test('statements: provenance and packages, in the index and beside files', async () => {
    const wanted = [
      '-f',
      'ctx/debian',
      '--provenance=mode=max',
      '--sbom=true',
      '--build-arg',
      'SOURCE_DATE_EPOCH=1600000000',
    ];
    await buildx(...wanted, '-t', 'mine:1', '-o', 'type=oci,dest=attested.tar', '-o', 'attested');
    const index = documentIn('attested.tar', rootOf('attested.tar').digest);
    const about = index.manifests.find(({ annotations }) => annotations?.['vnd.docker.reference.type'])!;
    assert.equal(about.annotations?.['vnd.docker.reference.digest'], index.manifests[0]!.digest);
    const predicates = documentIn('attested.tar', about.digest).layers.map(
      ({ annotations }) => annotations?.['in-toto.io/predicate-type'],
    );
    assert.deepEqual(predicates, ['https://slsa.dev/provenance/v1', 'https://spdx.dev/Document']);
    const read = (name: string) =>
      JSON.parse(readFileSync(at(`attested/${name}`), 'utf8')) as { subject: { name: string }[]; predicate: never };
    const sbom = read('sbom.spdx.json').predicate as { packages: { name: string; externalRefs?: unknown[] }[] };
    assert.deepEqual(
      sbom.packages.map(({ name }) => name),
      ['sbom', 'bash'],
    );
    assert.match(JSON.stringify(sbom.packages[1]), /pkg:deb\/debian\/bash@5\.1-2\?arch=amd64&distro=debian-11/);
    const provenance = JSON.stringify(read('provenance.json').predicate);
    assert.match(provenance, /"args":\{"build-arg:SOURCE_DATE_EPOCH":"1600000000"\}/);
    assert.match(provenance, /"uri":"pkg:docker\/busybox@latest\?platform=linux%2Famd64"/);
  });

  for (const [name, build, how, to, from] of [
    ['buildx', buildx, 'registry', 'type=registry,ref=REF', 'type=registry,ref=REF'],
    ['buildx', buildx, 'local', 'type=local,dest=cache-b', 'type=local,src=cache-b'],
    ['skiff', skiff, 'local', 'type=local,dest=cache-s,image-manifest=false,mode=max', 'type=local,src=cache-s'],
    ['skiff', skiff, 'inline', 'type=inline', 'REF'],
  ] as const) {
    test(`${name} build: a cache (${how}) spares every step`, async () => {
      const reference = image(`cache-${how}-${name}:1`);
      const filled = (text: string): string => text.replace('REF', reference);
      await prune();
      const push = how === 'inline' ? ['--push', '-t', reference] : ['-t', 'cached:1'];
      await build('-f', 'ctx/stages', ...push, '--cache-to', filled(to));
      await prune('cached:1', reference);
      const { stdout, stderr } = await build('-f', 'ctx/stages', '-t', 'cached:1', '--cache-from', filled(from));
      const said = `${stdout}${stderr}`;
      assert.doesNotMatch(said, /^(?:#\d+ [\d.]+ )?built$/m, said);
      const run = await client.docker(['run', '--rm', 'cached:1', 'cat', '/built']);
      assert.equal(run.stdout, 'built\n', run.stderr);
    });
  }

  test('with a date the same build gives the same archive, byte for byte, and the same folder', async () => {
    const dated = ['-f', 'ctx/image', '--build-arg', 'SOURCE_DATE_EPOCH=1600000000', '-t', 'dated:1'];
    const made: Buffer[] = [];
    for (const round of [1, 2]) {
      await prune();
      await buildx(...dated, '-o', `type=oci,dest=dated${round}.tar`, '-o', `type=tar,dest=files${round}.tar`);
      made.push(readFileSync(at(`dated${round}.tar`)), readFileSync(at(`files${round}.tar`)));
    }
    assert.ok(made[0]!.equals(made[2]!), 'archives of the image are the same');
    assert.ok(made[1]!.equals(made[3]!), 'archives of the files are the same');
  });

  test('secrets of skiff build, and what is refused by its name', async () => {
    client.write({ 'ctx/secret': 'FROM busybox\nRUN --mount=type=secret,id=s wc -c < /run/secrets/s\n' });
    assert.match((await skiff('-f', 'ctx/secret', '--secret', 'id=s,src=secret')).stdout, /^7$/m);
    const cases: readonly (readonly [string, RegExp])[] = [
      ['type=oci,dest=x.tar,compression=lzma', /compression=lzma: use gzip, zstd or uncompressed/],
      ['type=image,colour=red', /colour=red: it is not known/],
      ['type=local', /dest is required/],
    ];
    for (const [output, said] of cases) {
      const { status, stdout, stderr } = await client.start(SKIFF, ['build', '-f', 'ctx/image', '-o', output, 'ctx'])
        .ended;
      assert.notEqual(status, 0);
      assert.match(`${stdout}${stderr}`, said);
    }
    assert.equal(existsSync(at('x.tar')), false);
  });

  test('a client that goes in the middle leaves nothing half-made', async () => {
    client.write({
      'ctx/slow': 'FROM busybox\nRUN dd if=/dev/urandom of=/big bs=1M count=8 2>/dev/null\nRUN exec sleep 4733\n',
    });
    const child = client.start(SKIFF, ['build', '-f', 'ctx/slow', '-o', 'type=oci,dest=half.tar', 'ctx']);
    await eventually('the step runs', () => execFileSync('ps', ['ax']).includes('sleep 4733'), 20_000);
    child.kill('SIGKILL');
    await child.ended;
    await eventually('nothing of builds is left', () => daemon.buildRests().length === 0);
    assert.deepEqual(
      readdirSync(client.folder).filter((name) => name.includes('half')),
      [],
    );
  });
});

/** Two blocks of zeros: an archive with nothing in it. */
const emptyTar = new Uint8Array(1024);
