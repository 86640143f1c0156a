/** Images of several platforms, and with what was attested of them, in the image store: built, shown, pushed, saved, removed. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';
import { BuildxClient } from '../support/buildx.ts';
import { useDaemon } from '../support/daemon.ts';
import { missing } from '../support/needs.ts';
import { Registry } from '../support/registry.ts';

const SKIFF = `${import.meta.dirname}/../../bin/skiff`;
const ARM = encodeURIComponent('{"os":"linux","architecture":"arm64"}');

interface Described {
  readonly digest: string;
  readonly platform?: { readonly architecture: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

interface Member {
  readonly ID: string;
  readonly Kind: string;
  readonly Available: boolean;
  readonly ImageData?: { readonly Platform: { readonly architecture: string }; readonly Containers: readonly string[] };
  readonly AttestationData?: { readonly For: string };
}

interface Inspected {
  readonly Id: string;
  readonly Architecture: string;
  readonly RepoTags: readonly string[];
  readonly Manifests?: readonly Member[];
}

suite('lists of images', { skip: missing('root', 'busybox', 'go', 'docker', 'skopeo'), timeout: 120_000 }, () => {
  const daemon = useDaemon();
  const registry = new Registry();
  let client: BuildxClient;

  before(async () => {
    await registry.start();
    client = new BuildxClient(mkdtempSync('/tmp/skiff-test-lists-'), daemon.socket);
    client.write({
      'ctx/Dockerfile': 'FROM scratch\nARG TARGETARCH\nCOPY text /$TARGETARCH\nCMD ["/arch"]\n',
      'ctx/text': 'hi\n',
      'next/Dockerfile': 'ARG BASE\nFROM $BASE\nCOPY more /\n',
      'next/more': 'more\n',
    });
  });
  after(async () => {
    rmSync(client.folder, { recursive: true, force: true });
    await registry[Symbol.asyncDispose]();
  });

  const both = ['--platform', 'linux/amd64,linux/arm64'];
  const image = (name: string): string => `${registry.address}/${name}`;
  const at = (path: string): string => `${client.folder}/${path}`;

  async function docker(...args: string[]) {
    const result = await client.docker(args);
    assert.equal(result.status, 0, result.stderr);
    return result;
  }

  const inspect = async (name: string, query = ''): Promise<Inspected> =>
    (await daemon.http.call('GET', `/images/${name}/json?${query}`)).json<Inspected>();

  const fetched = (reference: string) =>
    JSON.parse(
      execFileSync('skopeo', ['inspect', '--raw', '--tls-verify=false', `docker://${reference}`]).toString(),
    ) as { readonly manifests: readonly Described[]; readonly annotations?: Readonly<Record<string, string>> };

  const architectures = (index: { readonly manifests: readonly Described[] }) =>
    index.manifests.map(({ platform }) => platform?.architecture);

  const contentBytes = async (): Promise<number> =>
    (await daemon.http.call('GET', '/skiff/content')).json<{ ContentSize: number }>().ContentSize;

  test('built for two platforms it is one image with its members, and goes to a registry as a whole', async () => {
    const name = image('both:1');
    await docker('buildx', 'build', ...both, '--provenance=mode=min', '--iidfile', 'iid', '-t', name, 'ctx');
    const listed = (await docker('images', '--format', '{{.Repository}}:{{.Tag}}')).stdout.trim().split('\n');
    assert.deepEqual(
      listed.filter((line) => line.startsWith(registry.address) || line.includes('none')),
      [name],
    );
    const own = await inspect(name, 'manifests=1');
    assert.equal(own.Architecture, 'amd64');
    assert.deepEqual(
      own.Manifests?.map(({ Kind, Available, ImageData }) => [Kind, Available, ImageData?.Platform.architecture]),
      [
        ['image', true, 'amd64'],
        ['image', true, 'arm64'],
        ['attestation', true, undefined],
        ['attestation', true, undefined],
      ],
    );
    assert.equal(own.Manifests?.[3]?.AttestationData?.For, own.Manifests?.[1]?.ID);
    const arm = await inspect(name, `platform=${ARM}`);
    assert.deepEqual([arm.Architecture, arm.RepoTags], ['arm64', [name]]);
    assert.equal((await daemon.http.send('GET', `/images/${name}/json?platform=linux/s390x`)).status, 404);
    assert.match((await docker('image', 'ls', '--tree')).stdout, /both:1[^]*linux\/amd64[^]*linux\/arm64/);
    // Killed at any moment since the build's end it is as whole.
    await daemon.end('SIGKILL');
    await daemon.start();
    await docker('push', name);
    const index = fetched(name);
    assert.deepEqual(architectures(index), ['amd64', 'arm64', 'unknown', 'unknown']);
    for (const { digest } of index.manifests) fetched(`${image('both')}@${digest}`);
    await docker('push', '--platform', 'linux/arm64', name);
    assert.equal(fetched(name).manifests, undefined, 'one platform is a manifest');
    await docker('rmi', name);
    await docker('pull', '--platform', 'linux/arm64', `${image('both')}@${index.manifests[1]!.digest}`);
  });

  test('what was attested is told, of the platform that is asked for', async () => {
    const build = ['buildx', 'build', ...both, '--provenance=true', '--sbom=true', '-t', 'attested', 'ctx'];
    await docker(...build);
    const read = async (query: string) =>
      (await daemon.http.call('GET', `/images/attested/attestations?${query}`)).json<
        { PredicateType: string; Descriptor: Described; Statement?: { subject: { digest: { sha256: string } }[] } }[]
      >();
    const types = ['https://slsa.dev/provenance/v1', 'https://spdx.dev/Document'];
    assert.deepEqual((await read('')).map(({ PredicateType }) => PredicateType).sort(), types);
    const [row] = await read(`platform=${ARM}&statement=1&type=${types[0]}`);
    const { Manifests = [] } = await inspect('attested', 'manifests=1');
    const arm = Manifests.find(({ ImageData }) => ImageData?.Platform.architecture === 'arm64')!;
    assert.equal(`sha256:${row?.Statement?.subject[0]?.digest.sha256}`, arm.ID);
    assert.equal((await read('type=other')).length, 0);
    assert.equal((await read('statement=0'))[0]?.Statement, undefined);
  });

  test('containers and builds take the image for the platform they ask for', async () => {
    const create = async (platform: string): Promise<{ Id: string; Image: string }> => {
      const { Id } = (
        await daemon.http.call('POST', `/containers/create?platform=${platform}`, { Image: 'attested' })
      ).json<{ Id: string }>();
      daemon.containers.made.push(Id);
      return (await daemon.http.call('GET', `/containers/${Id}/json`)).json<{ Id: string; Image: string }>();
    };
    const [own, arm] = [await create('linux/amd64'), await create('linux/arm64')];
    assert.equal(own.Image, (await inspect('attested')).Id);
    assert.equal(arm.Image, (await inspect('attested', `platform=${ARM}`)).Id);
    const refused = await daemon.http.send('POST', '/containers/create?platform=linux/s390x', { Image: 'attested' });
    assert.equal(refused.status, 404);
    const { Manifests = [] } = await inspect('attested', 'manifests=1');
    assert.deepEqual(
      Manifests.map(({ ImageData }) => ImageData?.Containers),
      [[own.Id], [arm.Id], undefined, undefined],
    );
    const skiff = async (...args: string[]): Promise<string> => {
      const { status, stdout, stderr } = await client.start(SKIFF, args).ended;
      assert.equal(status, 0, stderr);
      return stdout.trim();
    };
    const wanted = ['--platform', 'linux/arm64'];
    assert.equal(await skiff('image', 'inspect', ...wanted, '-f', '{{.Architecture}}', 'attested'), 'arm64');
    const made = await skiff('create', ...wanted, 'attested');
    assert.equal(await skiff('inspect', '-f', '{{.Image}}', made), arm.Image);
    assert.equal(await skiff('rm', made), made);
    const files = ['--build-arg', 'BASE=attested', '--platform', 'linux/arm64', '-o', 'type=local,dest=out', 'next'];
    await docker('buildx', 'build', ...files);
    assert.deepEqual(execFileSync('ls', [at('out')]).toString(), 'arm64\nmore\n');
    for (const { Id } of [own, arm]) await daemon.http.call('DELETE', `/containers/${Id}`);
  });

  test('saved and loaded, copied by skopeo and loaded, it is the same index', async () => {
    const ids = (members: readonly Member[] = []): string[] => members.map(({ ID }) => ID);
    const whole = ids((await inspect('attested', 'manifests=1')).Manifests);
    assert.equal(whole.length, 4);
    await docker('save', '-o', 'whole.tar', 'attested');
    await docker('save', '--platform', 'linux/arm64', '-o', 'arm.tar', 'attested');
    const copy = ['copy', '-q', '--all', `oci-archive:${at('whole.tar')}`, `oci-archive:${at('copied.tar')}:copied:1`];
    execFileSync('skopeo', ['--insecure-policy', ...copy]);
    await docker('rmi', 'attested');
    const empty = await contentBytes();
    assert.match((await docker('load', '-i', 'whole.tar')).stdout, /Loaded image: attested:latest/);
    assert.deepEqual(ids((await inspect('attested', 'manifests=1')).Manifests), whole);
    await docker('load', '-i', 'copied.tar');
    assert.deepEqual(ids((await inspect('copied:1', 'manifests=1')).Manifests), whole);
    await docker('tag', 'copied:1', 'again');
    await docker('rmi', 'attested', 'copied:1');
    assert.deepEqual(ids((await inspect('again', 'manifests=1')).Manifests), whole);
    await docker('rmi', 'again');
    assert.equal(await contentBytes(), empty, 'nothing is left of it');
    await docker('load', '-i', 'arm.tar');
    const arm = await inspect('attested', 'manifests=1');
    assert.deepEqual([arm.Architecture, ids(arm.Manifests)], ['arm64', [whole[1]]]);
    await docker('rmi', 'attested');
  });

  test('skiff build makes the same, with annotations, and what it keeps goes with prune', async () => {
    const build = async (...args: string[]): Promise<void> => {
      const { status, stderr } = await client.start(SKIFF, ['build', ...args, 'ctx']).ended;
      assert.equal(status, 0, stderr);
    };
    const before = await contentBytes();
    await build(...both, '--sbom=true', '--annotation', 'index:a=b', '-t', image('own:1'));
    await build('--annotation', 'c=d', '-t', image('own:2'));
    await docker('push', '-a', image('own'));
    assert.deepEqual(architectures(fetched(image('own:1'))), ['amd64', 'arm64', 'unknown', 'unknown']);
    assert.deepEqual(fetched(image('own:1')).annotations, { a: 'b' });
    assert.deepEqual(fetched(image('own:2')).annotations, { c: 'd' });
    await docker('image', 'prune', '-af');
    await docker('builder', 'prune', '-af');
    assert.ok((await contentBytes()) <= before, 'nothing is left of it');
    assert.deepEqual((await daemon.http.call('GET', '/images/json?all=1')).json(), []);
  });
});
