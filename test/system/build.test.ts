/** `POST /build` on the real kernel: what a client sends and sees, and that nothing stays of builds that are cut off. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { Readable } from 'node:stream';
import { archive, file, folder } from '../support/archives.ts';
import { type Daemon, useDaemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { missing } from '../support/needs.ts';

const skip = missing('root', 'busybox');

interface Line {
  readonly stream?: string;
  readonly aux?: { readonly ID: string };
  readonly error?: string;
  readonly errorDetail?: { readonly code?: number; readonly message: string };
}

interface Built {
  readonly status: number;
  readonly lines: readonly Line[];
  /** All of `stream`. */
  readonly text: string;
  readonly id: string;
}

const query = (values: Readonly<Record<string, string>>): string => new URLSearchParams(values).toString();

async function build(daemon: Daemon, tar: Buffer, wish = ''): Promise<Built> {
  const { status, text } = await daemon.http.send('POST', `/build?${wish}`, Readable.from([tar]));
  const lines = text
    .trim()
    .split('\r\n')
    .map((line) => JSON.parse(line) as Line);
  const id = lines.find(({ aux }) => aux)?.aux?.ID ?? '';
  return { status, lines, text: lines.map(({ stream }) => stream ?? '').join(''), id };
}

const context = (dockerfile: string, ...files: readonly Buffer[]): Buffer =>
  archive(file('Dockerfile', dockerfile), ...files);

describe('building images', { skip }, () => {
  const daemon = useDaemon();

  test('an image is built, named and told as the classic builder does; again it is the same', async () => {
    const tar = context('FROM busybox\nWORKDIR /w\nCOPY f .\nRUN cat f\nCMD ["cat", "f"]\n', file('f', 'content\n'));
    const { text, id } = await build(daemon, tar, 't=made:1&t=made:2&rm=1&forcerm=0');
    assert.match(text, /^Step 1\/5 : FROM busybox\nStep 2\/5 : WORKDIR \/w\n/);
    assert.match(
      text,
      /Step 4\/5 : RUN cat f\ncontent\nStep 5\/5 : CMD \["cat", "f"\]\nSuccessfully built [0-9a-f]{12}\n/,
    );
    assert.ok(text.endsWith('Successfully tagged made:1\nSuccessfully tagged made:2\n'), text);
    const again = await build(daemon, tar, 't=made:1');
    assert.equal(again.id, id);
    assert.match(again.text, /RUN cat f\n ---> Using cache\n/);
    const fresh = await build(daemon, tar, 'nocache=1');
    assert.notEqual(fresh.id, id);
    const { stdout } = await daemon.containers.run({ Image: 'made:1', Cmd: [] });
    assert.equal(stdout, 'content\n');
  });

  test('what has to be made for a target has the mode and owner that were asked for; several kinds of sources go together', async () => {
    const text = `FROM busybox
COPY --chmod=0700 --chown=7:8 d /new/deep
COPY --chmod=640 f /made/f
COPY --chmod=u+x f /symbolic/f
COPY --chown=nobody-of-here:none f /unknown
ADD --chown=5:6 t.tar f <<text /unpacked/
written
text
COPY <<one <<two /both/
1
one
2
two
RUN stat -c '%n %a %u:%g' /new /new/deep /made /symbolic /unknown /unpacked; cat /unpacked/* /both/*; hostname
`;
    const tar = file('t.tar', archive(file('t', 'of the archive\n')));
    const built = await build(daemon, context(text, file('d/x', ''), file('f', 'of the file\n'), tar));
    const said = built.text.slice(built.text.indexOf('/new 7'));
    assert.equal(
      said.replace(/Successfully built.*\n$/, ''),
      [
        ...['/new 700 7:8', '/new/deep 700 7:8', '/made 640 0:0', '/symbolic 755 0:0', '/unknown 644 0:0'],
        ...['/unpacked 755 5:6', 'of the file', 'of the archive', 'written', '1', '2', 'buildkitsandbox', ''],
      ].join('\n'),
      JSON.stringify(built.lines),
    );
  });

  test('ADD unpacks archives, whatever they are compressed with', {
    skip: missing('xz', 'bzip2', 'gzip'),
  }, async () => {
    const inner = (name: string): Buffer => archive(file(`of-${name}`, `${name}\n`));
    const packed = ['gzip', 'xz', 'bzip2'].map((name) =>
      file(`a.${name}`, execFileSync(name, ['-c'], { input: inner(name) })),
    );
    const text =
      'FROM busybox\nADD a.gzip a.xz a.bzip2 /x/\nADD --unpack=false a.xz /kept\nRUN cat /x/of-*; wc -c < /kept\n';
    const built = await build(daemon, context(text, ...packed));
    assert.match(built.text, /\nbzip2\ngzip\nxz\n\d+\n/, JSON.stringify(built.lines));
  });

  test('a program that fails ends the build with its code, a Dockerfile that makes no sense before it begins', async () => {
    const failing = await build(daemon, context('FROM busybox\nRUN exit 7\n'));
    assert.equal(failing.status, 200);
    assert.deepEqual(failing.lines.at(-1), {
      errorDetail: { code: 7, message: "The command '/bin/sh -c exit 7' returned a non-zero code: 7" },
      error: "The command '/bin/sh -c exit 7' returned a non-zero code: 7",
    });
    const check = async (tar: Buffer, wish: string, status: number, message: RegExp): Promise<void> => {
      const answer = await daemon.http.send('POST', `/build?${wish}`, Readable.from([tar]));
      assert.equal(answer.status, status, answer.text);
      assert.match(answer.json<{ message: string }>().message, message);
    };
    await check(context('FORM busybox\n'), '', 400, /unknown instruction: FORM/);
    await check(archive(file('x', '')), '', 400, /Cannot locate specified Dockerfile: Dockerfile/);
    await check(Buffer.from('no tar at all'), '', 400, /the build context cannot be used/);
    await check(context('FROM busybox\n'), 't=Bad', 400, /invalid reference format/);
    await check(context('FROM busybox\n'), 'target=nowhere', 400, /target stage "nowhere" could not be found/);
    await check(context('FROM busybox\n'), 'buildargs=[', 400, /error reading buildargs/);
    await check(context('FROM busybox\n'), 'memory=1000', 400, /Minimum memory limit allowed is 6MB/);
    await check(context('FROM busybox\n'), 'isolation=hyperv', 400, /Unsupported isolation/);
    await check(context('FROM busybox\n'), query({ securityopt: '["a=b"]' }), 400, /security options on build/);
  });

  test('what a build is asked for reaches its steps', async () => {
    const see = async (script: string, wish: Readonly<Record<string, string>>): Promise<string> => {
      const { text, lines } = await build(daemon, context(`FROM busybox\nARG WHO\nRUN ${script}\n`), query(wish));
      assert.equal(lines.at(-1)?.error, undefined, text);
      return text.slice(text.indexOf(script) + script.length + 1, text.indexOf('Successfully built')).trim();
    };
    assert.equal(await see('echo "<$WHO>"', { buildargs: '{"WHO":"me","OTHER":null}' }), '<me>');
    assert.equal(await see('grep db /etc/hosts', { extrahosts: '["db:10.1.2.3"]' }), '10.1.2.3\tdb');
    assert.match(await see('df -k /dev/shm | tail -1', { shmsize: '1048576' }), /\s1024\s/);
    assert.equal(await see('ls /sys/class/net | sort | tr "\\n" " "', { networkmode: 'none' }), 'lo');
    assert.equal(await see('ulimit -n', { ulimits: '[{"Name":"nofile","Soft":123,"Hard":456}]' }), '123');
    const limits = { memory: '33554432', memswap: '67108864', cpushares: '512', cpuperiod: '50000', cpuquota: '25000' };
    const limited = await see('cat /proc/self/cgroup', {
      ...limits,
      cpusetcpus: '0',
      cgroupparent: daemon.cgroupParent,
    });
    assert.match(limited, /:\/|0::/);
    const { id } = await build(daemon, context('FROM busybox\n'), query({ labels: '{"a":"b"}' }));
    const inspect = (await daemon.http.call('GET', `/images/${id}/json`)).json<{ Config: { Labels: object } }>();
    assert.deepEqual(inspect.Config.Labels, { a: 'b' });
  });

  test('another Dockerfile, a target, a quiet build, a platform, a base that has to be pulled', async () => {
    const two = archive(file('sub/Mine', 'FROM busybox AS one\nRUN echo first\nFROM one\nRUN echo second\n'));
    const { text } = await build(daemon, two, 'dockerfile=sub/Mine&target=one');
    assert.match(text, /first/);
    assert.doesNotMatch(text, /second/);
    const quiet = await build(daemon, two, 'dockerfile=sub/Mine&q=1');
    assert.equal(quiet.text, `${quiet.id}\n`);
    const other = await build(daemon, context('FROM busybox\n'), 'platform=linux/s390x');
    assert.match(String(other.lines.at(-1)?.error ?? JSON.stringify(other.lines)), /busybox/);
    const pulled = await build(daemon, context('FROM 127.0.0.1:1/nowhere\n'), 'pull=1');
    assert.match(JSON.stringify(pulled.lines), /127\.0\.0\.1:1/);
  });

  test('the context may come from elsewhere: a tar, or the Dockerfile itself', async () => {
    const server = createServer((request, response) => {
      if (request.url === '/context.tar') {
        response.end(context('FROM busybox\nCOPY here /\nRUN cat /here\n', file('here', 'from afar\n')));
      } else {
        response.setHeader('Content-Type', 'text/plain; charset=utf-8');
        response.end('FROM busybox\nRUN echo plain text\n');
      }
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const from = async (path: string) => build(daemon, archive(), `remote=${encodeURIComponent(url + path)}`);
      assert.match((await from('/context.tar')).text, /from afar/);
      assert.match((await from('/Dockerfile')).text, /plain text/);
    } finally {
      server.close();
    }
  });

  test('with SOURCE_DATE_EPOCH the same input gives the same image, to the last bit', async () => {
    const tar = (mtimeNs: bigint) =>
      context(
        'FROM busybox\nWORKDIR /a/b\nCOPY f /etc/\nRUN echo made > made && mkdir d\n',
        file('f', 'x', { mtimeNs }),
      );
    const wish = query({ buildargs: '{"SOURCE_DATE_EPOCH":"1500000000"}' });
    const first = await build(daemon, tar(1_600_000_000_000_000_000n), wish);
    await daemon.http.call('DELETE', `/images/${first.id}?force=1`);
    await daemon.http.call('POST', '/build/prune?all=1');
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const again = await build(daemon, tar(1_600_000_000_000_000_000n), wish);
    assert.doesNotMatch(again.text, /Using cache/);
    assert.equal(again.id, first.id);
    const { Created } = (await daemon.http.call('GET', `/images/${again.id}/json`)).json<{ Created: string }>();
    assert.equal(Created, '2017-07-14T02:40:00Z');
  });

  test('the cache is counted, pruned by what is asked for, and survives a restart', async () => {
    const tar = context('FROM busybox\nRUN echo kept > /kept\n');
    await build(daemon, tar);
    const rows = async () =>
      (await daemon.http.call('GET', '/v1.51/system/df')).json<{ BuildCache: { ID: string; Description: string }[] }>()
        .BuildCache;
    const before = await rows();
    assert.ok(before.some(({ Description }) => Description.includes('echo kept')));
    await daemon.end();
    await daemon.start();
    assert.match((await build(daemon, tar)).text, /Using cache/);
    const prune = async (wish: string) =>
      (await daemon.http.call('POST', `/build/prune?${wish}`)).json<{
        CachesDeleted: string[] | null;
        SpaceReclaimed: number;
      }>();
    const none = `filters=${encodeURIComponent('{"until":["1h"]}')}`;
    assert.equal((await prune(`all=1&${none}`)).CachesDeleted, null);
    assert.equal((await prune('all=1&max-used-space=1000000000000&min-free-space=1')).CachesDeleted, null);
    assert.equal((await prune('all=1&reserved-space=1000000000000')).CachesDeleted, null);
    const one = `filters=${encodeURIComponent(JSON.stringify({ id: [before[0]!.ID] }))}`;
    assert.deepEqual((await prune(`all=1&${one}`)).CachesDeleted, [before[0]!.ID]);
    await prune('all=1');
    assert.deepEqual(await rows(), []);
  });

  test('the cache in an image that is here is looked into where a client names it', async () => {
    const tar = context('FROM busybox\nRUN echo inline > /inline\n');
    const inline = query({ t: 'inline:1', buildargs: '{"BUILDKIT_INLINE_CACHE":"1"}' });
    const { id } = await build(daemon, tar, inline);
    const again = async (wish: string): Promise<string> => {
      await daemon.http.call('POST', '/build/prune?all=1');
      return (await build(daemon, tar, wish)).text;
    };
    assert.match(
      await again(query({ cachefrom: '["not-here","inline:1"]' })),
      /RUN echo inline [^\n]*\n ---> Using cache/,
    );
    assert.doesNotMatch(await again(''), /Using cache/);
    assert.ok(id.startsWith('sha256:'));
  });

  test('builds that are cut off at any moment leave nothing, and the next one is right', async () => {
    const tar = (turn: string) =>
      context(
        `FROM busybox AS a\nRUN echo ${turn} > /a; sleep 0.05\nRUN sleep 0.05\nFROM busybox AS b\nCOPY d /d\nRUN sleep 0.1\n` +
          'FROM busybox\nCOPY --from=a /a /a\nCOPY --from=b /d /d\nRUN cat /a /d/f\n',
        folder('d'),
        file('d/f', 'file\n'),
        file('d/large', Buffer.alloc(1_000_000, turn)),
      );
    for (let turn = 0; turn < 8; turn++) {
      const body = Readable.from([tar(`cancel${turn}`)]);
      const building = daemon.http.send('POST', '/build', body).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, turn * 45));
      daemon.http.close();
      // The connection of a request under way ends with its body.
      body.destroy();
      await building;
    }
    for (let turn = 0; turn < 6; turn++) {
      const building = daemon.http.send('POST', '/build', Readable.from([tar(`kill${turn}`)])).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 20 + turn * 60));
      await daemon.end('SIGKILL');
      await building;
      await daemon.start();
      await eventually('nothing of the build is left', () => daemon.buildRests().length === 0, 3000).catch(() =>
        assert.deepEqual(daemon.buildRests(), []),
      );
    }
    const { text } = await build(daemon, tar('kill5'));
    assert.match(text, /kill5\nfile\n/);
    await eventually('nothing of any build is left', () => daemon.buildRests().length === 0, 3000).catch(() =>
      assert.deepEqual(daemon.buildRests(), []),
    );
  });
});
