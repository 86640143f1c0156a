/**
 * `skiff context …` says what `docker context …` says, step by step in a folder of configuration each; and what the one
 * has written the other reads.
 */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { missing } from '../support/needs.ts';

const SKIFF = `${import.meta.dirname}/../../bin/skiff`;
const skip = missing('docker', 'openssl', 'tar');

/** `VARIABLE=value` in front is its environment; PEM files are in the working folder. */
const steps: readonly string[] = [
  'context ls',
  'context show',
  'context inspect',
  'context create foo --docker host=tcp://1.2.3.4:2375 --description one',
  'context create foo --docker host=tcp://x',
  'context create bar',
  'context create b/ad',
  'context create default',
  'context create x',
  'context create sshy --docker host=ssh://me@h',
  'context create box10 --docker host=tcp://h',
  'context create box2 --docker host=tcp://h,skip-tls-verify=true',
  'context ls',
  'context list -q',
  'context ls --format {{.Name}}:{{.Description}}:{{.Current}}:{{.DockerEndpoint}}:{{.Error}}',
  'context ls --format json',
  'context use nope',
  'context use foo',
  'context show',
  'context ls',
  'context inspect foo',
  'context inspect nope foo',
  'context inspect --format {{.Name}}:{{.Endpoints.docker.Host}} foo bar',
  'context update foo --description two',
  'context update foo --docker host=tcp://z:1',
  'context update nope --description x',
  'context update default --description x',
  'context inspect foo',
  'context rm foo',
  'context rm nope',
  'context rm default',
  'context rm -f nope',
  'context rm -f foo',
  'context show',
  'context create tls --docker host=tcp://a:1,ca=ca.pem,cert=cert.pem,key=key.pem',
  'context inspect tls',
  'context export tls',
  'context export tls',
  'context export nope',
  'context import copy tls.dockercontext',
  'context import copy tls.dockercontext',
  'context inspect copy',
  'context import more nofile',
  'context update tls --docker host=tcp://b:2',
  'context inspect tls',
  'context create bad --docker host=tcp://a:1,ca=key.pem',
  'context create bad --docker hst=foo',
  'context create bad --docker skip-tls-verify=maybe,host=tcp://a:1',
  'context create bad --docker host=tcp://a:1,ca=none.pem',
  'context create bad --from tls --docker host=tcp://a',
  'context create derived --docker from=copy',
  'context create again --from copy',
  'DOCKER_HOST=tcp://h:1 context create there --docker from=default',
  // compat: not `derived`: Docker forgets the certificates of a context it copies with --docker from=.
  'context inspect again there',
  'DOCKER_CONTEXT=zz context ls',
  'DOCKER_CONTEXT=bar context show',
  'DOCKER_CONTEXT=bar context rm bar',
  'DOCKER_HOST=tcp://q:1 context ls',
  'DOCKER_HOST=tcp://q:1 context use bar',
  'DOCKER_HOST=tcp://q:1 context show',
  'context show',
  '--context nope context show',
  '--context bar -H tcp://l context show',
  'context rm bar box2 box10',
  'context use default',
  'context ls',
];

interface Said {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe('contexts', { skip, timeout: 120_000 }, () => {
  const folder = mkdtempSync('/tmp/skiff-contexts-');
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** As both say it: the folder and the local daemon's socket have their own names on either side. */
  function run(side: 'docker' | 'skiff', line: string): Promise<Said> {
    const words = line.split(' ');
    const variables = words.filter((word) => /^[A-Z_]+=/.test(word));
    const work = `${folder}/${side}`;
    const environment = {
      PATH: process.env['PATH'],
      HOME: work,
      DOCKER_CONFIG: `${work}/config`,
      ...(process.env['SKIFF_SOURCE'] === undefined ? {} : { SKIFF_SOURCE: process.env['SKIFF_SOURCE'] }),
      ...Object.fromEntries(variables.map((word) => word.split('='))),
    };
    const args = words.slice(variables.length);
    const options = { cwd: work, env: environment, encoding: 'utf8' } as const;
    const same = (text: string): string =>
      text.replaceAll(work, 'WORK').replaceAll('unix:///var/run/docker.sock', 'unix:///run/skiff.sock');
    // Columns are as wide as what stands in them, which is longer on Docker's side; ours begins with its name.
    const narrow = (text: string): string => same(text).replaceAll(/ {2,}/g, '  ');
    return new Promise((resolve) => {
      const child = execFile(side === 'docker' ? 'docker' : SKIFF, args, options, (_, stdout, stderr) =>
        resolve({ status: child.exitCode, stdout: narrow(stdout), stderr: same(stderr).replace(/^skiff: /, '') }),
      );
    });
  }

  test('the same words, step by step', async (context) => {
    for (const side of ['docker', 'skiff']) mkdirSync(`${folder}/${side}/config`, { recursive: true });
    const openssl = `req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -subj /CN=x -days 2`;
    assert.equal(spawnSync('openssl', openssl.split(' '), { cwd: `${folder}/docker` }).status, 0);
    cpSync(`${folder}/docker/cert.pem`, `${folder}/docker/ca.pem`);
    for (const file of ['ca.pem', 'cert.pem', 'key.pem']) cpSync(`${folder}/docker/${file}`, `${folder}/skiff/${file}`);
    for (const step of steps) {
      const [expected, actual] = await Promise.all([run('docker', step), run('skiff', step)]);
      await context.test(step, () => assert.deepEqual(actual, expected));
    }
  });

  test('each reads what the other has written', () => {
    const read = (side: 'docker' | 'skiff', config: string): string => {
      const program = side === 'docker' ? 'docker' : SKIFF;
      const { status, stdout, stderr } = spawnSync(program, ['--config', config, 'context', 'inspect', 'copy', 'tls'], {
        encoding: 'utf8',
      });
      assert.equal(status, 0, stderr);
      return stdout;
    };
    for (const side of ['docker', 'skiff']) {
      assert.equal(read('skiff', `${folder}/${side}/config`), read('docker', `${folder}/${side}/config`));
    }
    const meta = (side: string): string =>
      readFileSync(
        `${folder}/${side}/config/contexts/meta/${'6f5a6034e770acbfb3f797e6a7eb7948d470d45f9928f92b7d72dc7c45e6d0cd'}/meta.json`,
        'utf8',
      );
    assert.equal(meta('skiff').length > 0, true);
    assert.equal(meta('skiff'), meta('docker'));
    // compat: not the key: Docker's file ends before its last entry does.
    const exported = (side: string) =>
      spawnSync('tar', ['-xOf', `${folder}/${side}/tls.dockercontext`, 'meta.json', 'tls/docker/ca.pem'], {
        encoding: 'utf8',
      }).stdout;
    assert.equal(exported('skiff'), exported('docker'));
  });
});
