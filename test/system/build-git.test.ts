/** Git repositories as contexts and in ADD: which commit comes, what of it, and what does not. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { Readable } from 'node:stream';
import { archive, file } from '../support/archives.ts';
import { useDaemon } from '../support/daemon.ts';
import { GitServer } from '../support/git-server.ts';
import { missing } from '../support/needs.ts';

const SKIFF = `${import.meta.dirname}/../../bin/skiff`;

describe('building from git repositories', { skip: missing('root', 'busybox', 'git'), timeout: 120_000 }, () => {
  const daemon = useDaemon();
  const server = new GitServer();
  let first = '';
  before(async () => {
    await server.start();
    first = server.create('app', {
      Dockerfile: 'FROM busybox\nCOPY . /c\nRUN cd /c && find . | sort && cat file\n',
      file: 'one\n',
      'sub/Dockerfile': 'FROM busybox\nCOPY inner /\nRUN cat /inner\n',
      'sub/inner': 'of the folder\n',
      'sub/run.sh': '#!/bin/sh\n',
    });
    server.git('app', 'tag', '-a', '-m', 'a tag', 'v1');
  });
  after(() => server[Symbol.asyncDispose]());

  async function build(dockerfile: string, query: Readonly<Record<string, string>> = {}): Promise<string> {
    const tar = archive(file('Dockerfile', dockerfile));
    const wish = new URLSearchParams(query).toString();
    const body = query['remote'] === undefined ? Readable.from([tar]) : undefined;
    const { text } = await daemon.http.send('POST', `/build?${wish}`, body);
    return text
      .trim()
      .split('\r\n')
      .map((line) => JSON.parse(line) as Readonly<Record<'stream' | 'error' | 'message', string | undefined>>)
      .map(({ stream, error, message }) => stream ?? ((error ?? message) ? `error: ${error ?? message}\n` : ''))
      .join('');
  }

  const added = (source: string, command: string, flags = ''): Promise<string> =>
    build(`FROM busybox\nADD ${flags} ${source} /a/\nRUN cd /a && ${command}\n`);

  test('ADD brings the files of a branch, a tag or a commit, as root has them, and again only when it has moved', async () => {
    const url = server.url('app');
    const look = 'find . -type f -exec stat -c "%n %a %u:%g" {} + | sort';
    const text = await added(url, look);
    assert.match(text, /\n\.\/Dockerfile 644 0:0\n\.\/file 644 0:0\n[^]*\.\/sub\/run\.sh 755 0:0\n/);
    assert.doesNotMatch(text, /\n\.\/\.git/);
    const second = server.commit('app', { file: 'two\n' });
    assert.match(await added(url, 'cat file'), /\ntwo\n/);
    assert.match(await added(url, 'cat file'), /RUN cd \/a && cat file\n ---> Using cache/);
    for (const ref of ['v1', 'refs/tags/v1', first]) {
      assert.match(await added(`${url}#${ref}`, `cat file # ${ref}`), /\none\n/, ref);
    }
    assert.match(await added(`${url}#${second}`, 'cat file'), /RUN cd \/a && cat file\n ---> Using cache/);
    assert.match(await added(`${url}?branch=main&subdir=sub`, 'ls'), /\nDockerfile\ninner\nrun\.sh\n/);
    assert.match(await added(`${url}#main:sub`, 'ls'), /ls\n ---> Using cache/);
    const dated = await build(`FROM busybox\nADD ${url}?tag=v1&mtime=commit /dated/\nRUN stat -c %Y /dated/file\n`);
    assert.match(dated, /\n1700000000\n/);
  });

  test('a checksum is the commit or its beginning, and pins it', async () => {
    const url = `${server.url('app')}#v1`;
    assert.match(await added(url, 'cat file', `--checksum=${first.slice(0, 8)}`), /\none\n|Using cache/);
    const wrong = await added(url, 'cat file', '--checksum=1234567');
    assert.match(wrong, new RegExp(`expected checksum to match 1234567, got ${first}`));
    const byCommit = `${server.url('app')}?checksum=${first}&fetch-by-commit=true`;
    assert.match(await added(byCommit, 'cat file # by commit'), /\none\n/);
  });

  test('.git is there when it is asked for, without credentials and without the server', async () => {
    server.authorization = `Basic ${Buffer.from('me:secret').toString('base64')}`;
    try {
      const url = server.url('app').replace('//', '//me:secret@');
      const text = await added(
        `${url}#v1`,
        'cat .git/HEAD .git/config; ! grep -rq secret .git && ! ls .git/hooks',
        '--keep-git-dir',
      );
      assert.match(text, new RegExp(`\n${first}\n[^]*url = ${server.url('app')}\n`));
      assert.match(text, /Successfully built/);
      const refused = await added(`${server.url('app')}#main`, 'ls');
      assert.match(
        refused,
        /error: failed to fetch http:[^]*git ls-remote: [^]*(?:Authentication failed|could not read Username)/,
      );
    } finally {
      server.authorization = '';
    }
  });

  test('submodules come along unless they are left out; one that reads this host is refused', async () => {
    server.create('lib', { lib: 'of the library\n' });
    server.create('with', { file: 'x\n' });
    // Added from the folder: the server is this process, which waits for git.
    server.git('with', 'submodule', 'add', '-q', server.folder('lib'), 'lib');
    server.git('with', 'config', '-f', '.gitmodules', 'submodule.lib.url', server.url('lib'));
    server.commit('with', {});
    const text = await added(server.url('with'), 'cat lib/lib; find . -name .git');
    assert.match(text, /\nof the library\n(?! *\.)/);
    assert.match(await added(`${server.url('with')}?submodules=false`, 'ls lib | wc -l'), /\n0\n/);
    server.create('evil', { file: 'x\n' });
    server.git('evil', 'submodule', 'add', '-q', server.folder('lib'), 'lib');
    server.commit('evil', {});
    assert.match(await added(server.url('evil'), 'ls'), /error: failed to fetch [^]*transport 'file' not allowed/);
  });

  test('a repository is the context, with the Dockerfile from it', async () => {
    assert.match(await build('', { remote: `${server.url('app')}#v1` }), /\n\.\/sub\/run\.sh\none\n/);
    assert.match(await build('', { remote: `${server.url('app')}#main:sub` }), /\nof the folder\n/);
    const child = spawn(SKIFF, ['-H', `unix://${daemon.socket}`, 'build', `${server.url('app')}#v1:sub`]);
    const pieces = await Array.fromAsync(child.stdout as AsyncIterable<Buffer>);
    assert.match(Buffer.concat(pieces).toString(), /Using cache[^]*Successfully built/);
  });

  test('the time of a context that is a commit is the time of the image', async () => {
    const args = JSON.stringify({ SOURCE_DATE_EPOCH: 'context' });
    const text = await build('', { remote: `${server.url('app')}#v1`, buildargs: args, t: 'dated' });
    assert.match(text, /Successfully tagged dated/);
    const { Created } = (await daemon.http.call('GET', '/images/dated/json')).json<{ Created: string }>();
    assert.equal(Created, '2023-11-14T22:13:20Z');
    const none = await build('FROM busybox\n', { buildargs: args });
    assert.match(none, /error: /);
  });

  test('what is not there, and what is no name, is said', async () => {
    const url = server.url('app');
    assert.match(await added(`${url}#gone`, 'ls'), /does not contain ref gone/);
    assert.match(await added(`${url}#--upload-pack=x`, 'ls'), /does not contain ref --upload-pack=x/);
    assert.match(await added(`${url}#main:nowhere`, 'ls'), /"\/nowhere": not found/);
    assert.match(await added(server.url('none'), 'ls'), /failed to fetch [^]*not found/);
    assert.deepEqual(daemon.buildRests(), []);
  });
});
