/**
 * `docker …` and `skiff …` of one daemon, word by word: exit codes and stdout have to be the same, and so has whether
 * anything was said on stderr. What errors say is our own.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { useDaemon } from '../support/daemon.ts';
import { missing } from '../support/needs.ts';

const SKIFF = `${import.meta.dirname}/../../bin/skiff`;

/** Refused by `create`: 125 for what the command line refuses, 1 for what the daemon does. */
const refused: readonly string[] = [
  ...['--memory x', '--memory-swappiness 101', '--cpus x', '--blkio-weight -1', '--blkio-weight 65536'],
  ...['--ulimit NOFILE=1', '--ulimit nofile=0x10', '--ulimit nofile=5:3', '--device null', '--device /dev/null:/x:z'],
  ...["--device-cgroup-rule 'c 1:3'", '--restart :3', '--restart always --rm', '--restart sometimes'],
  ...['--health-interval -5s', '--no-healthcheck --health-retries 5', '--dns 8.8.8', '--dns-search a..b'],
  ...['--add-host a:fe80::1%eth0', '--log-driver none --log-opt a=b', '--sysctl vm.swappiness=5', '--storage-opt x'],
  ...['--mac-address x', '--pid bogus', '--uts private', '--userns private', '--cgroupns bogus'],
  ...['--security-opt bogus', '--security-opt seccomp=', '--pull bogus', "-l 'a b=c'", '--network-alias a'],
  ...['--network bridge --network bridge', '--network n1 --network bridge', '--network n1,alias=x', "--network ''"],
  ...["-v ''", '-v /a:', '-v /a:/b:ro:x', "--mount 'type=bind, src=/tmp,dst=/b'", '-p [::1]:80', '-p 80:x'],
  ...['--env-file nosuch', '--env-file bad', '--label-file bad', '--link :x', '--isolation hyperv'],
];

/** One after the other, on one state. */
const steps: readonly string[] = [
  `docker create --name one --network none --cpus 1e-1 --restart on-failure: -i -a stdout busybox true >/dev/null; docker inspect -f '{{.HostConfig.NanoCpus}} {{.Config.AttachStdin}} {{.HostConfig.RestartPolicy.Name}}' one; docker rm one`,
  `docker create --name one --network none --mount type=bind,src=.,dst=/b --cap-add sys_admin --cap-add CAP_SYS_ADMIN --dns-search A.B. busybox true >/dev/null; docker inspect -f '{{(index .Mounts 0).Source}} {{.HostConfig.CapAdd}} {{.HostConfig.DnsSearch}}' one; docker rm one`,
  'docker create --name one --network none busybox true >/dev/null; docker ps -aq --format x | wc -c; docker rm one',
  `docker create --name one --network none busybox true >/dev/null; docker inspect -f '{{if .State.Health}}healthy{{end}}{{json .Config.Healthcheck}} {{.HostConfig.Init}}' one; docker rm one`,
  `docker image inspect -f '{{.Config.Labels}}' busybox`,
  "docker inspect -f '{{' busybox",
  "docker inspect --type '' busybox",
  `docker version -f '{{.Client.Os}}/{{.Client.Arch}} {{.Server.APIVersion}} {{.Server.Experimental}} {{.Client.Context}}'`,
  "docker version -f '{{'",
  `docker info -f '{{.ClientInfo.Context}} {{.ClientInfo.Debug}}'`,
  'docker --log-level info ps -q',
  'docker run -d -a stdout busybox true',
  'docker image prune -f --filter dangling=maybe',
  ...['', '-a', '--volumes', '--filter label=q'].map((flags) => `echo n | docker system prune ${flags}`),
  'docker system prune --volumes --filter until=1h',
  'docker create --name one --network none busybox true >/dev/null; docker system prune -f --filter until=1h; docker rm one',
];

describe('command lines', { skip: missing('root', 'busybox', 'docker'), timeout: 120_000 }, () => {
  const daemon = useDaemon();
  const folder = mkdtempSync('/tmp/skiff-lines-');
  before(() => writeFileSync(`${folder}/bad`, 'A B=c\n'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  const run = (program: string, step: string): Promise<{ code: unknown; stdout: string; complained: boolean }> => {
    const env = { ...process.env, HOME: folder, DOCKER_CONFIG: folder, DOCKER_HOST: `unix://${daemon.socket}` };
    const script = step.replaceAll(/\bdocker (?=[a-z-])/g, `${program} `);
    return new Promise((resolve) => {
      const child = execFile('sh', ['-c', script], { cwd: folder, env, timeout: 20_000 }, (_, stdout, stderr) =>
        resolve({ code: child.exitCode, stdout, complained: stderr !== '' }),
      );
    });
  };

  test('flags that are refused', async () => {
    for (const flags of refused) {
      const step = `docker create ${flags} busybox true`;
      const [theirs, ours] = await Promise.all([run('docker', step), run(SKIFF, step)]);
      assert.deepEqual(ours, theirs, step);
    }
  });

  for (const step of steps) {
    // Not at once: both have the same containers.
    test(step, async () => {
      const theirs = await run('docker', step);
      assert.deepEqual(await run(SKIFF, step), theirs);
    });
  }
});
