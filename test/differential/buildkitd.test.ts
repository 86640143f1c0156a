/**
 * A real BuildKit beside our builder, the same buildx in front of both: the same images to the last attribute of a file, the same
 * refusals, warnings and descriptions. What differs on purpose is listed with its reason, and fails when it is none any more.
 *
 * SKIFF_TEST_BUILDKITD names a program `buildkitd` of the newest version; SKIFF_TEST_BUILDKIT_ONLY is a pattern of cases.
 */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { withoutBuildkitd } from '../support/buildkitd.ts';
import { BuildPeers, type Outcome, type PeerName } from '../support/build-peers.ts';
import { ImageLayout } from '../support/image-layout.ts';
import { missing } from '../support/needs.ts';
import { describedDifferences, imageDifferences, textDifferences } from './buildkitd-differences.ts';
import { CONTEXT, type ImageCase, images } from './buildkitd-images.ts';
import { broken, checked, described } from './buildkitd-texts.ts';

const skip = withoutBuildkitd || missing('root', 'busybox', 'docker', 'docker-registry', 'go', 'git', 'runc', 'tar');
const only = new RegExp(process.env['SKIFF_TEST_BUILDKIT_ONLY'] ?? '');

suite("a real BuildKit's images and ours", { skip, timeout: 1_800_000 }, () => {
  const peers = new BuildPeers(CONTEXT);
  before(() => peers.start());
  after(() => peers[Symbol.asyncDispose]());

  for (const [name, each] of Object.entries(images)) {
    test(name, { skip: !only.test(name) && 'it was not asked for' }, async () => {
      const [theirs, ours] = await Promise.all([imageOf('theirs', name, each), imageOf('ours', name, each)]);
      const difference = imageDifferences[name];
      if (difference) assert.notDeepEqual(ours, theirs, 'it is listed as a difference and is none');
      const compared = (image: Image): Image => ({
        ...image,
        config: without(image.config, difference?.fields ?? []),
        layers: image.layers.map((lines) => lines.filter((line) => difference?.lines?.test(line) !== true)),
      });
      assert.deepEqual(compared(ours), compared(theirs));
    });
  }

  interface Image {
    readonly config: Readonly<Record<string, unknown>>;
    readonly layers: readonly (readonly string[])[];
    readonly annotations: unknown;
    readonly mediaTypes: readonly string[];
  }

  async function imageOf(peer: PeerName, name: string, { dockerfile, args = [] }: ImageCase): Promise<Image> {
    const folder = `image-${peer}-${name.replaceAll(/\W/g, '-')}`;
    const output = ['-o', `type=oci,tar=false,dest=${folder}`];
    const build = await peers.build(peer, dockerfile, ['--provenance=false', ...output, ...args]);
    assert.equal(build.status, 0, `${peer}: ${build.stderr}`);
    const layout = new ImageLayout(`${peers.folder}/${folder}`);
    const manifest = layout.root;
    const nowSeconds = Date.now() / 1000;
    return {
      config: dated(layout.config(manifest), nowSeconds),
      // What the base has is the same blob.
      layers: (manifest.layers ?? []).map((layer) =>
        layout.files(layer, nowSeconds).filter((line) => !STUBS.test(line)),
      ),
      annotations: manifest.annotations,
      mediaTypes: [
        manifest.mediaType,
        ...[manifest.config, ...(manifest.layers ?? [])].map(({ mediaType }) => mediaType),
      ],
    };
  }
});

suite("a real BuildKit's words and ours", { skip, timeout: 1_800_000 }, () => {
  const peers = new BuildPeers(CONTEXT);
  before(() => peers.start());
  after(() => peers[Symbol.asyncDispose]());

  const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['refused', broken, ['--provenance=false', '-o', 'type=cacheonly']],
    ['checked', checked, ['--check']],
    ['outline', described, ['--call', 'outline']],
    ['targets', described, ['--call', 'targets']],
  ];
  for (const [what, files, args] of cases) {
    for (const text of files) {
      const name = `${what}: ${JSON.stringify(text)}`;
      test(name, { skip: !only.test(name) && 'it was not asked for' }, async () => {
        const [theirs, ours] = await Promise.all([peers.build('theirs', text, args), peers.build('ours', text, args)]);
        const difference = (what === 'refused' ? textDifferences : describedDifferences).find(({ of }) =>
          of.test(`${what}\n${text}`),
        );
        if (difference) {
          assert.notEqual(told(ours), told(theirs), 'it is listed as a difference and is none');
          assert.match(told(ours), difference.ours, difference.why);
        } else assert.equal(told(ours), told(theirs));
      });
    }
  }

  /** What a user is told in the end: findings, the excerpt, the error; without how a builder got there. */
  function told({ status, stdout, stderr }: Outcome): string {
    const end =
      /(?:^[^\n]*:\d+\n-{20}\n[^]*)?^ERROR: [^]*$/m.exec(stderr)?.[0] ?? stderr.replaceAll(/^#.*\n|^\n/gm, '');
    return `status ${status}\n${peers.neutral(stdout)}\n--\n${peers.neutral(end).replaceAll(STAGES_OF_WORK, '').replace('failed to run Build function', 'failed to solve')}`;
  }
});

/** What a builder was at when it failed: how it works, not what is wrong. */
const STAGES_OF_WORK =
  /failed to (?:load|compute) cache key: |failed to calculate checksum of ref REF: |failed to load LLB: |rpc error: code = \w+ desc = |(?<=failed to solve: )(?:Unavailable|NotFound|InvalidArgument): /g;

/** Places for what every container gets: BuildKit leaves those it had to make. */
const STUBS = /^(?:dev|proc|sys)\/ directory 755 0 0 +0 0 /;

/** With what differs from one moment to the next made the same. */
function dated<T extends object>(config: T, nowSeconds: number): T {
  const isNow = (value: unknown): boolean =>
    typeof value === 'string' &&
    /^\d{4}-\d\d-\d\dT/.test(value) &&
    Math.abs(Date.parse(value) / 1000 - nowSeconds) < 86_400;
  return JSON.parse(
    JSON.stringify(config, (key, value: unknown) => {
      // A note for Windows, which says nothing of Linux.
      if (key === 'ArgsEscaped') return undefined;
      if (key === 'diff_ids') return (value as unknown[] | null)?.length;
      return isNow(value) ? 'now' : value;
    }),
  ) as T;
}

function without(config: Readonly<Record<string, unknown>>, fields: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(config).filter(([name]) => !fields.includes(name)));
}
