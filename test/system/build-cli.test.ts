/** `skiff build` and `docker build` (classic) as users have them: contexts, ignore files, exit codes, the cache's commands. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { archive, file } from '../support/archives.ts';
import { useDaemon } from '../support/daemon.ts';
import { missing } from '../support/needs.ts';

const SKIFF = `${import.meta.dirname}/../../bin/skiff`;

describe('building from the command line', { skip: missing('root', 'busybox'), timeout: 120_000 }, () => {
  const daemon = useDaemon();
  let folder = '';
  before(() => {
    folder = mkdtempSync(`${tmpdir()}/skiff-build-cli-`);
    mkdirSync(`${folder}/ctx/sub/deep`, { recursive: true });
    mkdirSync(`${folder}/elsewhere`);
    const files = {
      'ctx/Dockerfile': 'FROM busybox\nARG WHO\nCOPY . /c\nRUN cd /c && find . -type f | sort && echo "who=$WHO"\n',
      'ctx/.dockerignore': 'sub\n!sub/deep/kept\n*.log\nDockerfile\n',
      'ctx/a': 'a\n',
      'ctx/b.log': 'b\n',
      'ctx/sub/out': 'o\n',
      'ctx/sub/deep/kept': 'k\n',
      'elsewhere/Other': 'FROM busybox\nCOPY . /c\nRUN find /c -type f | sort\n',
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(`${folder}/${name}`, text);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const skiff = (args: readonly string[], input: string | Buffer = '') =>
    spawnSync(SKIFF, ['-H', `unix://${daemon.socket}`, ...args], {
      input,
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, HOME: folder, FROM_ENVIRONMENT: 'env' },
      timeout: 60_000,
    });

  test('a folder is sent without what is ignored; the Dockerfile may be in it, elsewhere, or on stdin', () => {
    const inside = skiff(['build', '-t', 'one', '--build-arg', 'WHO=me', 'ctx']);
    assert.equal(inside.status, 0, inside.stderr);
    assert.match(inside.stdout, /\n\.\/\.dockerignore\n\.\/a\n\.\/sub\/deep\/kept\nwho=me\n/);
    const elsewhere = skiff(['build', '-f', 'elsewhere/Other', 'ctx']);
    assert.match(
      elsewhere.stdout,
      /\n\/c\/\.dockerignore\n\/c\/a\n\/c\/sub\/deep\/kept\nSuccessfully built/,
      elsewhere.stderr,
    );
    const stdin = skiff(['build', '-f', '-', 'ctx'], 'FROM busybox\nCOPY a /\nRUN cat a\n');
    assert.match(stdin.stdout, /\na\nSuccessfully built/, stdin.stderr);
    const alone = skiff(['build', '-'], 'FROM busybox\nRUN echo alone\n');
    assert.match(alone.stdout, /\nalone\n/, alone.stderr);
    const tar = archive(file('Dockerfile', 'FROM busybox\nCOPY x /\nRUN cat /x\n'), file('x', 'in a tar\n'));
    assert.match(skiff(['build', '-'], tar).stdout, /\nin a tar\n/);
  });

  test('-q prints the id alone, --iidfile keeps it, arguments come from the environment, labels and targets count', () => {
    const quiet = skiff(['build', '-q', '--iidfile', 'id', '--label', 'a=b', 'ctx']);
    assert.match(quiet.stdout, /^sha256:[0-9a-f]{64}\n$/);
    assert.equal(readFileSync(`${folder}/id`, 'utf8'), quiet.stdout.trim());
    const { stdout } = skiff(['inspect', '-f', '{{json .Config.Labels}}', quiet.stdout.trim()]);
    assert.equal(stdout.trim(), '{"a":"b"}');
    const dockerfile =
      'FROM busybox AS one\nARG FROM_ENVIRONMENT\nRUN echo "<$FROM_ENVIRONMENT>"\nFROM one\nRUN false\n';
    const target = skiff(
      ['build', '--target', 'one', '--build-arg', 'FROM_ENVIRONMENT', '--no-cache', '-'],
      dockerfile,
    );
    assert.match(target.stdout, /\n<env>\n/, target.stderr);
  });

  test('failures end with the code Docker ends with, and say what was wrong', () => {
    const check = (args: readonly string[], input: string, status: number, said: RegExp): void => {
      const result = skiff(args, input);
      assert.equal(result.status, status, `${args.join(' ')}: ${result.stdout}${result.stderr}`);
      assert.match(result.stderr, said);
    };
    check(['build', '-'], 'FROM busybox\nRUN exit 9\n', 9, /returned a non-zero code: 9/);
    check(['build', '-'], 'FORM busybox\n', 1, /unknown instruction: FORM/);
    check(['build', 'nowhere'], '', 1, /path "nowhere" not found/);
    check(['build', '-f', 'none', 'ctx'], '', 1, /none: no such file or directory/);
    check(['build', '--allow', 'network.host', 'ctx'], '', 1, /--allow is not in this version/);
    check(['build', '--progress', 'loud', 'ctx'], '', 1, /invalid progress mode loud/);
  });

  test('builder du shows what is kept, builder prune removes it', () => {
    assert.match(skiff(['builder', 'du']).stdout, /^ID +TYPE +SIZE .*\n[0-9a-f-]{12} +regular /);
    assert.match(
      skiff(['builder', 'prune', '-af']).stdout,
      /^Deleted build cache objects:\n[^]*Total reclaimed space: /,
    );
    assert.doesNotMatch(skiff(['builder', 'du']).stdout, /regular/);
  });

  test("Docker's own client builds here", { skip: missing('docker') }, () => {
    const docker = (args: readonly string[], input = '') =>
      spawnSync('docker', ['-H', `unix://${daemon.socket}`, ...args], {
        input,
        cwd: folder,
        encoding: 'utf8',
        env: { ...process.env, HOME: folder, DOCKER_BUILDKIT: '0' },
      });
    const built = docker(['build', '-t', 'theirs', 'ctx']);
    assert.equal(built.status, 0, built.stderr);
    assert.match(built.stdout, /Successfully tagged theirs:latest/);
    const failed = docker(['build', '-'], 'FROM busybox\nRUN exit 9\n');
    assert.deepEqual([failed.status, /returned a non-zero code: 9/.test(failed.stderr)], [9, true], failed.stderr);
  });
});
