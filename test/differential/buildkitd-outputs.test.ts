/**
 * What a real BuildKit and our builder make of the same build: folders, archives, layouts, what is pushed, statements, and the
 * caches of each, which the other one reads without harm.
 *
 * SKIFF_TEST_BUILDKITD names a program `buildkitd`.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';
import { BuildPeers, type PeerName } from '../support/build-peers.ts';
import { withoutBuildkitd } from '../support/buildkitd.ts';
import { type Descriptor, ImageLayout, type Manifest, tarLines } from '../support/image-layout.ts';
import { missing } from '../support/needs.ts';
import { CONTEXT } from './buildkitd-images.ts';

const skip = withoutBuildkitd || missing('root', 'busybox', 'docker', 'docker-registry', 'go', 'git', 'runc', 'tar');
const PEERS = ['theirs', 'ours'] as const;

const FILES = `FROM base AS made
RUN mkdir -p /d/e && echo hi > /d/e/f && chmod 4751 /d/e/f && ln -s f /d/e/l && ln /d/e/f /d/h && chown 5:6 /d/e/f
FROM scratch
COPY --from=made /d /
COPY d /
`;
const IMAGE = 'FROM base\nRUN echo one > /one\nCOPY a.txt /\nENV A=1\n';
const STAGES =
  'FROM base AS build\nCOPY a.txt /i\nRUN echo built > /built\nFROM base\nCOPY --from=build /built /\nRUN cat /built\n';

suite("a real BuildKit's outputs and ours", { skip, timeout: 900_000 }, () => {
  const peers = new BuildPeers(CONTEXT);
  before(() => peers.start());
  after(() => peers[Symbol.asyncDispose]());

  const at = (path: string): string => `${peers.folder}/${path}`;

  async function build(peer: PeerName, dockerfile: string, ...args: readonly string[]): Promise<string> {
    const { status, stderr } = await peers.build(peer, dockerfile, args);
    assert.equal(status, 0, `${peer}: ${stderr}`);
    return stderr;
  }

  /** What each of them gives, compared. */
  async function same<T>(make: (peer: PeerName) => Promise<T>): Promise<void> {
    const [theirs, ours] = [await make('theirs'), await make('ours')];
    assert.deepEqual(ours, theirs);
  }

  const nowSeconds = (): number => Date.now() / 1000;

  for (const [name, flag] of [
    ['a folder', ''],
    ['a folder of several platforms', ',platform-split=true'],
  ] as const) {
    test(name, () =>
      same(async (peer) => {
        const dest = `local-${peer}-${flag.length}`;
        await build(peer, FILES, '--provenance=false', '-o', `type=local,dest=${dest}${flag}`);
        return tarLines(execFileSync('tar', ['-cC', at(dest), '.']), nowSeconds());
      }),
    );
  }

  for (const date of ['', '1500000000']) {
    test(`an archive of files${date && ' with a date'}`, () =>
      same(async (peer) => {
        const dest = `files-${peer}.tar`;
        const dated = date === '' ? [] : ['--build-arg', `SOURCE_DATE_EPOCH=${date}`];
        await build(peer, FILES, '--provenance=false', ...dated, '-o', `type=tar,dest=${dest}`);
        return tarLines(readFileSync(at(dest)), nowSeconds());
      }));
  }

  for (const [name, kind, args] of [
    ['an archive for docker load', 'docker', []],
    ['an OCI archive', 'oci', []],
    ['an OCI archive with a name', 'oci', ['-t', 'named:1', '-t', 'other.example/x:2']],
    ['an archive for docker load with a name', 'docker', ['-t', 'named:1']],
    ['an OCI archive of two platforms', 'oci', ['--platform', 'linux/amd64,linux/arm64']],
  ] as const) {
    test(name, () =>
      same(async (peer) => {
        const dest = `${kind}-${peer}.tar`;
        const dockerfile = args[0] === '--platform' ? 'FROM scratch\nCOPY a.txt /\n' : IMAGE;
        await build(peer, dockerfile, '--provenance=false', ...args, '-o', `type=${kind},dest=${dest}`);
        const inside = (path: string): string => execFileSync('tar', ['-xOf', at(dest), path], { encoding: 'utf8' });
        const names = execFileSync('tar', ['-tf', at(dest)], { encoding: 'utf8' })
          .split('\n')
          .sort();
        const documents = names.filter((each) => /^[^/]+$/.test(each));
        return {
          names: neutral(names),
          documents: documents.map((each) => neutral(JSON.parse(inside(each)))),
        };
      }),
    );
  }

  for (const [name, exporter, args] of [
    ['a plain layout', '', []],
    ['media types of Docker', ',oci-mediatypes=false', []],
    ['zstd', ',compression=zstd,force-compression=true', []],
    ['uncompressed', ',compression=uncompressed,force-compression=true', []],
    ['annotations', '', ['--annotation', 'a=b', '--annotation', 'manifest-descriptor:c=d']],
    ['annotations of exporters', ',annotation.a=b,annotation-manifest-descriptor.c=d', []],
    ['times that are rewritten', ',rewrite-timestamp=true', ['--build-arg', 'SOURCE_DATE_EPOCH=1500000000']],
    ['two platforms', '', ['--platform', 'linux/amd64,linux/arm64', '--annotation', 'index:a=b']],
    [
      'annotations of platforms',
      '',
      [
        '--platform',
        'linux/amd64,linux/arm64',
        '--annotation',
        'manifest[linux/arm64]:c=d',
        '--annotation',
        'index-descriptor:e=f',
      ],
    ],
    ['a list of one', '', ['--build-arg', 'BUILDKIT_MULTI_PLATFORM=1']],
  ] as const) {
    test(`a layout: ${name}`, () =>
      same(async (peer) => {
        const dest = `layout-${peer}-${name.replaceAll(/\W/g, '-')}`;
        const dockerfile = name.includes('platforms') ? 'FROM scratch\nCOPY a.txt /\n' : IMAGE;
        await build(
          peer,
          dockerfile,
          '--provenance=false',
          ...args,
          '-o',
          `type=oci,tar=false,dest=${dest}${exporter}`,
        );
        return everything(new ImageLayout(at(dest)));
      }));
  }

  for (const attest of [
    'mode=min',
    'mode=max',
    'mode=max,version=v0.2',
    'mode=min,version=v0.2',
    'mode=max,builder-id=x',
  ]) {
    test(`provenance: ${attest}`, () =>
      same(async (peer) => {
        const dest = `attested-${peer}-${attest.replaceAll(/\W/g, '-')}`;
        const args = [`--provenance=${attest}`, '--build-arg', 'A=1', '--label', 'l=1'];
        await build(peer, STAGES, ...args, '-o', `type=oci,tar=false,dest=${dest}`, '--metadata-file', `${dest}.json`);
        const layout = new ImageLayout(at(dest));
        const index = layout.root;
        const about = index.manifests!.find(({ platform }) => platform?.['os'] === 'unknown')!;
        const manifest = layout.json<Manifest>(about.digest);
        const statements = manifest.layers!.map(({ digest }) => layout.json<Record<string, unknown>>(digest));
        const metadata = JSON.parse(readFileSync(at(`${dest}.json`), 'utf8')) as Record<string, unknown>;
        return {
          index: neutral(index),
          manifest: neutral(manifest),
          config: neutral(layout.json(manifest.config.digest)),
          statements: statements.map((each) => ({ ...each, predicate: shapeOf(each['predicate']) })).map(neutral),
          metadata: Object.keys(metadata).sort(),
        };
      }));
  }

  for (const [name, to, from] of [
    ['a folder', 'type=local,dest=cache-PEER', 'type=local,src=cache-PEER'],
    ['a folder, all of it', 'type=local,dest=cachemax-PEER,mode=max', 'type=local,src=cachemax-PEER'],
    ['a registry', 'type=registry,ref=REGISTRY/cache-PEER:1,mode=max', 'type=registry,ref=REGISTRY/cache-PEER:1'],
    [
      'a registry, as a list',
      'type=registry,ref=REGISTRY/cache-PEER:2,image-manifest=false,oci-mediatypes=false',
      'type=registry,ref=REGISTRY/cache-PEER:2',
    ],
    ['an image', 'type=inline', 'REGISTRY/inline-PEER:1'],
  ] as const) {
    for (const maker of PEERS) {
      test(`a cache in ${name}, of ${maker}: its maker takes steps from it, the other one reads it`, async () => {
        const filled = (text: string): string => text.replace('PEER', maker).replace('REGISTRY', peers.registry);
        const other = maker === 'theirs' ? 'ours' : 'theirs';
        const push =
          name === 'an image' ? ['-o', `type=image,push=true,name=${filled(from)}`] : ['-o', 'type=cacheonly'];
        const salted = STAGES.replace('echo built', `echo built ${name}`);
        await prune(maker);
        await build(maker, salted, '--provenance=false', ...push, '--cache-to', filled(to));
        await prune(maker);
        const again = await build(
          maker,
          salted,
          '--provenance=false',
          '--cache-from',
          filled(from),
          '-o',
          'type=oci,dest=x.tar',
        );
        // What it prints would be there if it had been run.
        assert.doesNotMatch(again, /^#\d+ [\d.]+ built/m, again);
        const foreign = await build(
          other,
          salted,
          '--provenance=false',
          '--cache-from',
          filled(from),
          '-o',
          'type=oci,dest=y.tar',
        );
        assert.doesNotMatch(foreign, /^(?:ERROR|#\d+ ERROR|WARN)/m, foreign);
      });
    }
  }

  async function prune(peer: PeerName): Promise<void> {
    await peers.docker(['buildx', 'prune', '-af', ...(peer === 'theirs' ? ['--builder', 'theirs'] : [])]);
  }

  /** All documents of a layout, from its index on, and the files of its layers. */
  function everything(layout: ImageLayout): unknown {
    const walk = (descriptor: Descriptor): unknown => {
      const document = layout.json<Manifest>(descriptor.digest);
      if (document.manifests) return [neutral(document), document.manifests.map(walk)];
      const layers = document
        .layers!.filter(({ mediaType }) => !mediaType.endsWith('zstd'))
        .map((layer) => layout.files(layer, nowSeconds()).filter((line) => !STUBS.test(line)));
      return [neutral(document), neutral(layout.config(document)), layers];
    };
    return [neutral(layout.index), layout.index.manifests.map(walk)];
  }
});

/** Places for what every container gets: BuildKit leaves those it had to make. */
const STUBS = /^(?:dev|proc|sys)\/ directory 755 0 0 +0 0 /;

/** What statements and manifests say of a builder's own steps and version. */
const OWN = [
  ...['buildkit/rewritten-timestamp', 'compatibilityVersion', 'dockerfileVersion', 'root', 'digestMapping', 'layers'],
  ...['llbDefinition', 'locations'],
];

/** Digests, sizes and moments are each builder's own. */
function neutral(document: unknown): unknown {
  const text = JSON.stringify(document, (key, value: unknown) => {
    if (key === 'size' && typeof value === 'number') return 'SIZE';
    if (key === 'annotations') return withoutOwn(value as Readonly<Record<string, string>>);
    if (typeof value !== 'string') return value;
    if (/^\d{4}-\d\d-\d\dT/.test(value) && Math.abs(Date.parse(value) - Date.now()) < 86_400_000) return 'NOW';
    return value;
  });
  return JSON.parse(
    text
      .replaceAll(/\b[0-9a-f]{64}\b/g, 'DIGEST')
      .replaceAll(/\/(?:theirs|ours)-[0-9a-f]{12}\//g, '/')
      .replaceAll(/-(?:theirs|ours)\b/g, ''),
  ) as unknown;
}

function withoutOwn(annotations: Readonly<Record<string, string>>): Readonly<Record<string, string>> | undefined {
  const entries = Object.entries(annotations).filter(([name]) => !OWN.includes(name));
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** Of a statement the names of its fields, and what kind each is: steps are each builder's own. */
function shapeOf(value: unknown, depth = 0): unknown {
  if (Array.isArray(value)) return depth > 8 || value.length === 0 ? [] : [shapeOf(value[0], depth + 1)];
  if (typeof value !== 'object' || value === null) return typeof value;
  const entries = Object.entries(value).filter(([name]) => !OWN.includes(name));
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, each]) => [name, shapeOf(each, depth + 1)]));
}
