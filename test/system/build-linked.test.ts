/** Builds that have to do with each other: bake targets that begin with others, the history of builds, cache mounts that travel. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';
import { BuildxClient } from '../support/buildx.ts';
import { useDaemon } from '../support/daemon.ts';
import { missing } from '../support/needs.ts';

const SKIFF = `${import.meta.dirname}/../../bin/skiff`;

suite('builds and other builds', { skip: missing('root', 'busybox', 'go', 'docker'), timeout: 180_000 }, () => {
  const daemon = useDaemon();
  let client: BuildxClient;

  before(() => {
    client = new BuildxClient(mkdtempSync('/tmp/skiff-test-linked-'), daemon.socket);
    client.write({
      'linked/docker-bake.hcl': `
        group "default" { targets = ["app", "side"] }
        target "base" {
          dockerfile-inline = <<-EOT
            FROM busybox
            ENV MADE_BY=base
            WORKDIR /work
            RUN head -c 8 /dev/urandom | od -An -tx1 > /id
          EOT
        }
        target "middle" {
          contexts = { base = "target:base" }
          dockerfile-inline = "FROM base\\nRUN cp /id /middle"
        }
        target "app" {
          contexts = { base = "target:base", middle = "target:middle" }
          dockerfile-inline = <<-EOT
            FROM base
            COPY --from=middle /middle /
            RUN --mount=from=middle,target=/m cmp /id /m/id && cmp /id /middle && echo "$PWD $MADE_BY" > /said
          EOT
          tags = ["linked:app"]
        }
        target "side" {
          contexts = { base = "target:base" }
          dockerfile-inline = "FROM base\\nRUN cat /id"
          tags = ["linked:side"]
        }
        target "broken" {
          dockerfile-inline = "FROM busybox\\nRUN echo no good && exit 7"
        }
        target "unlucky" {
          contexts = { base = "target:broken" }
          dockerfile-inline = "FROM base\\nRUN true"
        }`,
    });
  });
  after(() => rmSync(client.folder, { recursive: true, force: true }));

  const at = (path: string): string => `${client.folder}/${path}`;

  async function docker(...args: string[]) {
    const result = await client.docker(args);
    assert.equal(result.status, 0, result.stderr);
    return result;
  }

  test('targets begin with the results of others: files, environment and folder are theirs, each step is run once', async () => {
    const bake = ['buildx', 'bake', '--progress', 'plain', '-f', 'linked/docker-bake.hcl'];
    // What begins anew does so once for all.
    const { stderr } = await docker(...bake, '--no-cache');
    assert.equal(stderr.match(/RUN head -c 8[^\n]*\n(?:#[^\n]*\n)*?#\d+ DONE/g)?.length, 1, stderr);
    assert.equal((await docker('run', '--rm', 'linked:app', 'cat', '/said')).stdout, '/work base\n');
    const ids = [];
    for (const tag of ['app', 'side']) ids.push((await docker('run', '--rm', `linked:${tag}`, 'cat', '/id')).stdout);
    assert.equal(ids[0], ids[1], 'both begin with the same');
    const history = await docker('history', '--no-trunc', '--format', '{{.CreatedBy}}', 'linked:app');
    assert.match(history.stdout, /COPY \/middle[^]*RUN [^\n]*od -An/);
    const again = await docker(...bake);
    assert.doesNotMatch(again.stderr, /#\d+ \[[^\]]*\] RUN [^\n]*\n#\d+ DONE/, 'nothing is run a second time');
    const failed = await client.docker([...bake, 'unlucky']);
    assert.notEqual(failed.status, 0);
    assert.match(failed.stderr, /exit code: 7/);
    assert.deepEqual(daemon.buildRests(), []);
  });

  test('builds are listed, told again, and removed', async () => {
    client.write({ 'past/Dockerfile': 'FROM busybox\nARG WHO\nRUN echo "built for $WHO"\n' });
    const args = ['--progress', 'plain', '--metadata-file', 'metadata', '--build-arg', 'WHO=me'];
    await docker('buildx', 'build', ...args, '-t', 'past', 'past');
    const metadata = JSON.parse(readFileSync(at('metadata'), 'utf8')) as Record<string, unknown>;
    const provenance = metadata['buildx.build.provenance'] as {
      readonly materials?: readonly { readonly uri: string }[];
    };
    assert.match(provenance.materials?.[0]?.uri ?? '', /^pkg:docker\/busybox/);
    const ref = String(metadata['buildx.build.ref']).replace(/^.*\//, '');
    const failed = await client.docker(
      ['buildx', 'build', '--progress', 'plain', '-'],
      'FROM busybox\nRUN echo oh; false\n',
    );
    assert.notEqual(failed.status, 0);

    const list = async (...more: string[]): Promise<Record<string, string>[]> => {
      const { stdout } = await docker('buildx', 'history', 'ls', '--format', 'json', ...more);
      return stdout
        .trim()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, string>);
    };
    const [newest, second] = await list();
    assert.deepEqual([newest?.['status'], second?.['status'], second?.['name']], ['Error', 'Completed', 'past']);
    const failures = (await list('--filter', 'status=error')).map(({ ref: each }) => each);
    assert.deepEqual([failures[0], failures.some((each) => each?.endsWith(ref))], [newest!['ref'], false]);

    const { stdout } = await docker('buildx', 'history', 'inspect', ref, '--format', 'json');
    const inspected = JSON.parse(stdout) as Record<string, unknown>;
    assert.deepEqual([inspected['Status'], inspected['BuildArgs']], ['completed', [{ Name: 'WHO', Value: 'me' }]]);
    assert.match(JSON.stringify(inspected['Materials']), /pkg:docker\/busybox/);
    const attachment = await docker('buildx', 'history', 'inspect', 'attachment', ref, '--type', 'provenance');
    assert.match(attachment.stdout, /"buildDefinition"/);
    assert.match((await docker('buildx', 'history', 'logs', ref)).stderr, /built for me/);
    const error = await docker('buildx', 'history', 'inspect');
    assert.match(error.stdout, /RUN echo oh; false[^]*Logs:[^]*oh/);

    client.write({ 'own/Dockerfile': 'FROM busybox\nARG WHO\nRUN echo "made for $WHO"\n' });
    const own = await client.start(SKIFF, ['build', '--build-arg', 'WHO=you', '-t', 'own', 'own']).ended;
    assert.equal(own.status, 0, own.stderr);
    const broken = await client.start(SKIFF, ['build', '-'], 'FROM busybox\nRUN echo ah; false\n').ended;
    assert.notEqual(broken.status, 0);
    const [ourFailure, ours] = await list();
    assert.deepEqual([ourFailure?.['status'], ours?.['status'], ours?.['name']], ['Error', 'Completed', 'own']);
    const told = ours?.['ref']?.replace(/^.*\//, '') ?? '';
    assert.match((await docker('buildx', 'history', 'logs', told)).stderr, /made for you/);
    assert.match((await docker('buildx', 'history', 'inspect')).stdout, /RUN echo ah; false[^]*Logs:[^]*ah/);
    const ofOurs = await docker('buildx', 'history', 'inspect', told, '--format', 'json');
    assert.match(JSON.stringify(JSON.parse(ofOurs.stdout)), /"BuildArgs":\[\{"Name":"WHO","Value":"you"\}\]/);

    await daemon.end();
    await daemon.start();
    assert.match((await docker('buildx', 'history', 'logs', ref)).stderr, /built for me/, 'it outlives the daemon');
    await docker('buildx', 'history', 'rm', ref);
    const gone = await client.docker(['buildx', 'history', 'rm', ref]);
    assert.match(gone.stderr, /no record of a build found/);
    await docker('buildx', 'history', 'rm', '--all');
    assert.deepEqual(await list(), []);
    assert.deepEqual(readdirSync(`${daemon.dataRoot}/build/history`), []);
  });

  for (const [name, program] of [
    ['buildx', 'docker'],
    ['skiff', SKIFF],
  ] as const) {
    test(`cache mounts go with a cache, and come back where there is none: ${name}`, async () => {
      const id = `kept-${name}`;
      client.write({
        'mounts/Dockerfile':
          `FROM busybox\nARG AGAIN\nRUN --mount=type=cache,id=${id},target=/c,uid=7 ` +
          'ls -ln /c; cat /c/d/f || { mkdir -m 750 /c/d && echo first > /c/d/f && chmod 600 /c/d/f && ln -s f /c/d/l; }\n',
      });
      const folder = `cache-${name}`;
      const run = async (...args: string[]) => {
        const result = await client.start(program, ['build', '--progress', 'plain', ...args, 'mounts']).ended;
        assert.equal(result.status, 0, result.stderr);
        return `${result.stdout}${result.stderr}`;
      };
      await run('--cache-to', `type=local,dest=${folder},mode=max,cache-mounts=true`);
      await docker('builder', 'prune', '-af');
      const without = await run('--build-arg', 'AGAIN=1', '--cache-from', `type=local,src=${folder}`);
      assert.doesNotMatch(without, /^(?:#\d+ [\d.]+ )?first$/m, 'only where it is asked for');
      await docker('builder', 'prune', '-af');
      const back = await run('--build-arg', 'AGAIN=2', '--cache-from', `type=local,src=${folder},cache-mounts=true`);
      assert.match(back, /drwxr-x--- +2 0 +0[^\n]* d\n[^]*first/, 'with owners and modes');
      const here = await run('--build-arg', 'AGAIN=3', '--cache-from', `type=local,src=${folder},cache-mounts=true`);
      assert.match(here, /first/);
      const index = JSON.parse(readFileSync(at(`${folder}/index.json`), 'utf8')) as { manifests: { digest: string }[] };
      const manifest = readFileSync(at(`${folder}/blobs/sha256/${index.manifests[0]!.digest.slice(7)}`), 'utf8');
      assert.match(manifest, new RegExp(`"skiff.cache-mount":"/?${id}"`));
    });
  }

  test('a folder that mirrors the result has nothing else; and what is full says so', async () => {
    client.write({
      'out/ctx/Dockerfile': 'FROM scratch\nCOPY f /d/\n',
      'out/ctx/f': 'x'.repeat(3 << 20),
      'out/dest/old/f': '',
    });
    const output = (text: string) => client.start(SKIFF, ['build', '-o', text, 'out/ctx']).ended;
    const mirrored = await output('type=local,dest=out/dest,mode=delete');
    assert.equal(mirrored.status, 0, mirrored.stderr);
    assert.deepEqual(readdirSync(at('out/dest')), ['d']);
    assert.equal(statSync(at('out/dest/d/f')).size, 3 << 20);
    assert.ok(!existsSync(at('out/dest/old')));
  });
});
