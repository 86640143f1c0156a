/** BuildKit's doors with the real clients: `docker build` through its buildx plugin, `buildx build`, `bake`, `du`, `prune`. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { installBuildx } from '../support/go-programs.ts';
import { useDaemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { GitServer } from '../support/git-server.ts';
import { missing } from '../support/needs.ts';

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

suite("BuildKit's clients", { skip: missing('root', 'busybox', 'go', 'docker'), timeout: 180_000 }, () => {
  const daemon = useDaemon();
  let folder = '';

  before(() => {
    folder = mkdtempSync('/tmp/skiff-test-buildkit-');
    mkdirSync(`${folder}/config/cli-plugins`, { recursive: true });
    symlinkSync(installBuildx(), `${folder}/config/cli-plugins/docker-buildx`);
    write({
      'ctx/Dockerfile': 'FROM busybox\nCOPY . /c\nRUN cd /c && find . -type f | sort && cat a\n',
      'ctx/.dockerignore': 'sub\n!sub/deep/kept\n*.log\nDockerfile\n',
      'ctx/a': 'first\n',
      'ctx/b.log': 'b\n',
      'ctx/sub/out': 'o\n',
      'ctx/sub/deep/kept': 'k\n',
      'ctx/ä file': 'umlaut\n',
      'other/b': 'other\n',
      secret: 'top secret\n',
    });
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function write(files: Readonly<Record<string, string>>): void {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(`${folder}/${path}`.replace(/\/[^/]*$/, ''), { recursive: true });
      writeFileSync(`${folder}/${path}`, text);
    }
  }

  function start(
    args: readonly string[],
    input: string | Buffer = '',
  ): ChildProcess & { readonly ended: Promise<Ended> } {
    const environment = { DOCKER_HOST: `unix://${daemon.socket}`, DOCKER_CONFIG: `${folder}/config`, HOME: folder };
    const child = spawn('docker', args, { cwd: folder, env: { ...process.env, ...environment } });
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    const texts = { stdout: '', stderr: '' };
    child.stdout.on('data', (data: Buffer) => (texts.stdout += data.toString()));
    child.stderr.on('data', (data: Buffer) => (texts.stderr += data.toString()));
    const ended = new Promise<Ended>((resolve) => child.once('close', (status) => resolve({ status, ...texts })));
    return Object.assign(child, { ended });
  }

  const docker = (args: readonly string[], input?: string | Buffer): Promise<Ended> => start(args, input).ended;

  async function build(args: readonly string[], input?: string | Buffer): Promise<Ended> {
    const result = await docker(['build', '--progress', 'plain', ...args], input);
    assert.equal(result.status, 0, result.stderr);
    return result;
  }

  const nothingLeft = (): Promise<unknown> =>
    eventually('nothing of builds is left', () => daemon.buildRests().length === 0);

  test('a folder is sent without what is ignored, built, named, and found again', async () => {
    const first = await build(['-t', 'one', 'ctx']);
    assert.match(first.stderr, / \.\/\.dockerignore\n[^]* \.\/a\n[^]* \.\/sub\/deep\/kept\n[^]* \.\/ä file\n/);
    assert.doesNotMatch(first.stderr, /b\.log|sub\/out|\.\/Dockerfile/);
    assert.match(first.stderr, /\[internal\] load build context\n#\d+ transferring context: \d+B/);
    assert.match(first.stderr, /exporting to image\n[^]*naming to docker\.io\/library\/one:latest/);
    const again = await build(['-t', 'one', 'ctx']);
    assert.match(again.stderr, /RUN cd \/c [^\n]*\n#\d+ CACHED/);
    write({ 'ctx/a': 'second\n' });
    const changed = await build(['-t', 'one', 'ctx']);
    assert.match(changed.stderr, / second\n/);
    await nothingLeft();
  });

  test('Dockerfiles and contexts come over stdin, too', async () => {
    const dockerfile = await build(['-f', '-', 'ctx'], 'FROM busybox\nCOPY a /\nRUN cat /a\n');
    assert.match(dockerfile.stderr, / second\n/);
    const alone = await build(['-'], 'FROM busybox\nRUN echo alone\n');
    assert.match(alone.stderr, / alone\n/);
    write({ 'up/Dockerfile': 'FROM busybox\nCOPY x /\nRUN wc -c /x\n', 'up/x': 'x'.repeat(300_000) });
    const tar = execFileSync('tar', ['-C', `${folder}/up`, '-c', 'Dockerfile', 'x']);
    assert.match((await build(['-'], tar)).stderr, / 300000 \/x\n/);
  });

  test('targets, arguments, labels, named contexts, and what the client keeps of it', async () => {
    const text =
      'FROM busybox AS one\nARG WHO\nRUN echo "who=$WHO"\nCOPY --from=more b /\nRUN cat /b\nFROM one\nRUN false\n';
    const args = ['--target', 'one', '--build-arg', 'WHO=me', '--label', 'a=b', '--build-context', 'more=other'];
    const files = ['--iidfile', 'iid', '--metadata-file', 'metadata'];
    const { stderr } = await build([...args, ...files, '-f', '-', 'ctx'], text);
    assert.match(stderr, / who=me\n[^]* other\n/);
    const id = readFileSync(`${folder}/iid`, 'utf8');
    const metadata = JSON.parse(readFileSync(`${folder}/metadata`, 'utf8')) as Record<string, unknown>;
    assert.equal(metadata['containerimage.digest'], id);
    const quiet = await docker(['build', '-q', ...args, '-f', '-', 'ctx'], text);
    assert.equal(quiet.stdout.trim(), id, quiet.stderr);
    const labels = await docker(['image', 'inspect', '-f', '{{json .Config.Labels}}', id]);
    assert.equal(labels.stdout.trim(), '{"a":"b"}');
  });

  test('repositories are contexts, and tokens for them come as secrets', { skip: missing('git') }, async () => {
    await using server = new GitServer();
    await server.start();
    server.create('app', { Dockerfile: 'FROM busybox\nCOPY . /c\nRUN cat /c/sub/f\n', 'sub/f': 'from git\n' });
    server.create('more', { b: 'the other\n' });
    assert.match((await build([server.url('app')])).stderr, / from git\n/);
    const named = ['--build-context', `more=${server.url('more')}`, '-f', '-', 'ctx'];
    const text = 'FROM busybox\nCOPY --from=more b /\nRUN cat /b\n';
    assert.match((await build(named, text)).stderr, / the other\n/);
    server.authorization = `Basic ${Buffer.from('x-access-token:top secret').toString('base64')}`;
    const refused = await docker(['build', server.url('app')]);
    assert.match(refused.stderr, /failed to fetch http:[^]*git ls-remote/);
    const given = await build(['--secret', 'id=GIT_AUTH_TOKEN.127.0.0.1,src=secret', server.url('app')]);
    assert.match(given.stderr, /RUN cat \/c\/sub\/f\n#\d+ CACHED/);
    const ownText = 'FROM busybox\nCOPY f /own\nRUN cat /own\n';
    const own = await build(
      ['--secret', 'id=GIT_AUTH_TOKEN,src=secret', '-f', '-', `${server.url('app')}#main:sub`],
      ownText,
    );
    assert.match(own.stderr, / from git\n/);
    await nothingLeft();
  });

  test('secrets are there for one step and nowhere else', async () => {
    const text =
      'FROM busybox\nRUN --mount=type=secret,id=s wc -c /run/secrets/s\nRUN find / -xdev -name s -path "*secrets*"\n';
    const { stderr } = await build(['--secret', 'id=s,src=secret', '-f', '-', 'ctx'], text);
    assert.match(stderr, / 11 \/run\/secrets\/s\n/);
    const required = 'FROM busybox\nRUN --mount=type=secret,id=gone,required cat /run/secrets/gone\n';
    const refused = await docker(['build', '-f', '-', 'ctx'], required);
    assert.deepEqual([refused.status, /secret gone: not found/.test(refused.stderr)], [1, true], refused.stderr);
  });

  test("a step talks to the agent of the client's", async () => {
    // spec: the agent's protocol: a length, then 11 asks for keys, and 12 with a number of them is the answer.
    const question = Buffer.from([0, 0, 0, 1, 11]);
    const noKeys = Buffer.from([0, 0, 0, 5, 12, 0, 0, 0, 0]);
    const agent = createServer((socket) => socket.on('data', () => socket.write(noKeys)));
    await new Promise<void>((resolve) => agent.listen(`${folder}/agent`, resolve));
    try {
      const text = 'FROM busybox\nRUN --mount=type=ssh echo "$SSH_AUTH_SOCK" && exec sleep 4711\n';
      const building = start(['build', '--ssh', `default=${folder}/agent`, '-f', '-', 'ctx'], text);
      const pid = await eventually('the step runs', () => pidOf('sleep 4711'), 20_000);
      const path = /SSH_AUTH_SOCK=([^\0]+)/.exec(readFileSync(`/proc/${pid}/environ`, 'latin1'))?.[1];
      const socket = connect(`/proc/${pid}/root${path}`);
      socket.write(question);
      let answer = Buffer.alloc(0);
      socket.on('data', (data: Buffer) => (answer = Buffer.concat([answer, data])));
      await eventually('the agent answers', () => answer.length >= noKeys.length);
      assert.deepEqual(answer, noKeys);
      socket.destroy();
      process.kill(pid, 'SIGKILL');
      assert.equal((await building.ended).status, 1);
      await nothingLeft();
    } finally {
      agent.close();
    }
  });

  test('failures say what and where', async () => {
    const check = async (text: string, said: RegExp): Promise<void> => {
      const { status, stderr } = await docker(['build', '--progress', 'plain', '-f', '-', 'ctx'], text);
      assert.equal(status, 1, stderr);
      assert.match(stderr, said);
    };
    const excerpt = />>> RUN exit 9\n[^]*failed to solve: process "\/bin\/sh -c exit 9" did not complete successfully/;
    await check('FROM busybox\nRUN exit 9\n', excerpt);
    await check('FORM busybox\n', />>> FORM busybox\n[^]*unknown instruction: FORM/);
    await check('FROM busybox\nCOPY nowhere /\n', />>> COPY nowhere \/\n[^]*"\/?nowhere": not found/);
    await check('FROM busybox AS x\nFROM y.invalid/none\n', /y\.invalid\/none/);
    const file = await docker(['build', '-f', 'ctx/none', 'ctx']);
    assert.deepEqual([file.status, /none: no such file or directory/.test(file.stderr)], [1, true], file.stderr);
    await nothingLeft();
  });

  test('--check and --call answer about the file and build nothing', async () => {
    const call = (args: readonly string[], text: string) => docker(['build', ...args, '-f', '-', 'ctx'], text);
    assert.match((await call(['--check'], 'FROM busybox\n')).stdout, /Check complete, no warnings found\./);
    const warned = await call(['--check'], 'FROM busybox AS Base\n');
    assert.deepEqual([warned.status, /WARNING: StageNameCasing/.test(warned.stdout)], [1, true], warned.stdout);
    const text = '# base what it is\nFROM busybox AS base\nARG A=1\nRUN --mount=type=secret,id=s true\n';
    assert.match((await call(['--call', 'outline'], text)).stdout, /TARGET:[^]*A +1[^]*SECRET[^]*\ns /);
    assert.match((await call(['--call', 'targets'], text)).stdout, /base \(default\) +what it is/);
  });

  for (const [how, signal] of [
    ['Ctrl-C', 'SIGINT'],
    ['the end of its client', 'SIGKILL'],
  ] as const) {
    test(`${how} ends a build, and nothing of it stays`, async () => {
      const program = `sleep 47${signal === 'SIGINT' ? 12 : 13}`;
      const building = start(['buildx', 'build', '-f', '-', 'ctx'], `FROM busybox\nRUN exec ${program}\n`);
      await eventually('the step runs', () => pidOf(program), 20_000);
      const plugin = pidOf('docker-buildx buildx build -f - ctx', true);
      assert.ok(plugin, 'the plugin runs');
      process.kill(plugin, signal);
      assert.notEqual((await building.ended).status, 0);
      await eventually('its step ends', () => pidOf(program) === undefined);
      await nothingLeft();
    });
  }

  test('a folder of the client is what a stage begins with', async () => {
    execFileSync('sh', ['-c', `mkdir -p rootfs/bin && cp $(command -v busybox) rootfs/bin/sh`], { cwd: folder });
    const args = ['--build-context', 'base=rootfs', '-f', '-', 'ctx'];
    const { stderr } = await build(args, 'FROM base\nRUN echo "within $(/bin/sh -c \'echo it\')"\n');
    assert.match(stderr, / within it\n/);
  });

  test('bake builds two targets', async () => {
    write({
      'bake/docker-bake.hcl': `
        group "default" { targets = ["a", "b"] }
        target "a" {
          context = "ctx"
          tags = ["baked:a"]
        }
        target "b" {
          dockerfile-inline = "FROM busybox\\nRUN echo inline"
          tags = ["baked:b"]
        }`,
    });
    const args = ['buildx', 'bake', '--progress', 'plain', '-f', 'bake/docker-bake.hcl'];
    const { status, stderr } = await docker(args);
    assert.equal(status, 0, stderr);
    const { stdout } = await docker(['images', '--format', '{{.Tag}}', 'baked']);
    assert.deepEqual(stdout.trim().split('\n').sort(), ['a', 'b']);
  });

  test('du and prune', async () => {
    const text = 'FROM busybox\nRUN --mount=type=cache,target=/cache echo x > /cache/x\n';
    await build(['-f', '-', 'ctx'], text);
    const mounts = await docker(['buildx', 'du', '--filter', 'type=exec.cachemount', '--verbose']);
    assert.match(mounts.stdout, /Type:\s+exec\.cachemount/, mounts.stderr);
    assert.doesNotMatch(mounts.stdout, /regular/);
    const refused = await docker(['buildx', 'du', '--filter', 'colour=red']);
    assert.match(refused.stderr, /the filter colour==red is not known/);
    const pruned = await docker(['buildx', 'prune', '-af']);
    assert.match(pruned.stdout, /Total:\s+\d/, pruned.stderr);
    assert.match((await docker(['buildx', 'du'])).stdout, /^[^\n]*Total:\s+0B|Total:\s+0B\s*$/);
  });
});

/** The process with these words as its command, or with a command that ends with them. */
function pidOf(command: string, isEnd = false): number | undefined {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const found = pids.find((pid) => {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      return isEnd ? words.endsWith(command) : words === command;
    } catch {
      return false;
    }
  });
  return found === undefined ? undefined : Number(found);
}
