/** Repositories behind SSH, fetched with the agent of the build's client: as contexts, in ADD, by buildx and `skiff build`. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';
import { BuildxClient } from '../support/buildx.ts';
import { Daemon } from '../support/daemon.ts';
import { GitServer } from '../support/git-server.ts';
import { missing } from '../support/needs.ts';
import { PrivateNetwork } from '../support/network.ts';
import { SshServer } from '../support/ssh-server.ts';

const SKIFF = `${import.meta.dirname}/../../bin/skiff`;
const skip = missing('root', 'busybox', 'git', 'go', 'docker', 'ssh', 'sshd', 'ssh-agent', 'unshare', 'nsenter');

suite('repositories behind SSH', { skip, timeout: 60_000 }, () => {
  const undo = new AsyncDisposableStack();
  const repositories = new GitServer();
  let client: BuildxClient;
  let daemon: Daemon;
  let server: SshServer;
  let path = '';

  before(async () => {
    const network = undo.use(new PrivateNetwork());
    await network.ready();
    server = undo.use(new SshServer(network.enter));
    await server.start();
    undo.use(repositories);
    repositories.create('app', {
      Dockerfile: 'FROM busybox\nCOPY . /c\nRUN cat /c/sub/file\n',
      'sub/file': 'by ssh\n',
    });
    repositories.git('app', 'tag', 'v1');
    path = `${repositories.folder('app')}/.git`;
    daemon = undo.use(new Daemon(network.enter));
    await daemon.start();
    await daemon.import();
    client = new BuildxClient(mkdtempSync('/tmp/skiff-test-build-ssh-'), daemon.socket);
    undo.defer(() => rmSync(client.folder, { recursive: true, force: true }));
    client.write({ 'ctx/x': '' });
  });
  after(() => undo.disposeAsync());

  async function build(by: 'buildx' | 'skiff', args: readonly string[], dockerfile = ''): Promise<string> {
    const progress = ['--progress', 'plain'];
    const [program, words] =
      by === 'buildx' ? ['docker', ['buildx', 'build', ...progress]] : [SKIFF, ['build', ...progress]];
    const { stdout, stderr } = await client.start(program, [...words, ...args], dockerfile).ended;
    return stdout + stderr;
  }

  for (const by of ['buildx', 'skiff'] as const) {
    test(`${by}: ADD of user@host:path and ssh://, with the agent that was given`, async () => {
      const agent = ['--ssh', `default=${server.agent}`, '--no-cache', '-f', '-', 'ctx'];
      for (const url of [`git@127.0.0.1:${path}`, `ssh://git@127.0.0.1${path}#v1:sub`]) {
        const text = `FROM busybox\nADD ${url} /a\nRUN find /a -name file | xargs cat\n`;
        assert.match(await build(by, agent, text), /\bby ssh\n/, url);
      }
    });

    test(`${by}: a context behind SSH`, async () => {
      const args = ['--ssh', `default=${server.agent}`, '--no-cache', `ssh://git@127.0.0.1${path}#v1`];
      assert.match(await build(by, args), /\bby ssh\n/);
    });
  }

  test('without an agent, or with one that has no key, it is said why', async () => {
    const text = `FROM busybox\nADD git@127.0.0.1:${path}#main /a\n`;
    const given = ['-f', '-', 'ctx'];
    const without = await build('buildx', given, text);
    assert.match(without, /failed to fetch git@127\.0\.0\.1:[^]*Permission denied \(publickey\)/);
    const empty = await build('skiff', ['--ssh', `default=${await server.emptyAgent()}`, ...given], text);
    assert.match(empty, /failed to fetch git@127\.0\.0\.1:[^]*Permission denied \(publickey\)/);
    assert.deepEqual(daemon.buildRests(), []);
  });
});
