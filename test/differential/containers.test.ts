/**
 * The same docker commands against dockerd and against Skiff, whose answers have to be the same but for ids, times and
 * what stands below as known to differ.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { Daemon } from '../support/daemon.ts';
import { Dockerd, runTool } from '../support/engines.ts';
import { missing } from '../support/needs.ts';
import { busyboxTar } from '../support/rootfs.ts';

interface Step {
  /** Words of a shell, with `docker` going to the engine at hand. */
  readonly run: string;
  /** Why the answers differ: then only the exit codes are compared. */
  readonly differs?: string;
}

/** Of both daemons: another name for runc, and one of nothing. */
const RUNTIMES = ['--add-runtime=other=runc', '--add-runtime=gone=/no/such/runtime'];

/** Commands whose answers are compared, one after the other, on one state. */
const chapters: Readonly<Record<string, readonly (string | Step)[]>> = {
  'restart policies': [
    `docker run -d --name rf --network none --restart on-failure:2 busybox sh -c 'exit 3'`,
    `for i in $(seq 100); do [ "$(docker inspect -f '{{.RestartCount}} {{.State.Status}}' rf)" = '2 exited' ] && break; sleep 0.1; done`,
    `docker inspect -f '{{.RestartCount}} {{.State.Status}} {{.State.ExitCode}} {{json .HostConfig.RestartPolicy}}' rf`,
    `docker run -d --name ra --network none --restart always busybox sh -c 'exit 1'`,
    `for i in $(seq 100); do [ "$(docker inspect -f '{{.RestartCount}} {{.State.Status}}' ra)" = '4 restarting' ] && break; sleep 0.05; done`,
    `docker pause ra`,
    `docker exec ra true`,
    `docker top ra`,
    `docker attach ra`,
    { run: `docker rm ra`, differs: 'words of a newer dockerd' },
    `docker stop ra; docker inspect -f '{{.State.Status}} {{.State.Restarting}} {{.State.Running}}' ra`,
    `docker start ra; docker kill ra; sleep 0.5; docker inspect -f '{{.State.Status}}' ra`,
    `docker update --restart unless-stopped ra; docker inspect -f '{{json .HostConfig.RestartPolicy}}' ra`,
    `docker run --rm --restart always --network none busybox true`,
    { run: `docker run --restart sometimes --network none busybox true`, differs: 'words of a newer dockerd' },
    { run: `docker run --restart always:3 --network none busybox true`, differs: 'words of a newer dockerd' },
    `docker rm -f ra rf`,
  ],
  runtimes: [
    `docker info -f '{{json (index .Runtimes "other")}} {{json (index .Runtimes "gone")}}'`,
    { run: `docker create --runtime nobody busybox true`, differs: 'words of a newer dockerd' },
    `docker create --name rr --runtime other --network none busybox sh -c 'echo out; echo err >&2; exit 3'`,
    `docker inspect -f '{{.HostConfig.Runtime}}' rr`,
    `docker start -a rr; docker logs rr; docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' rr`,
    { run: `docker run --name rn --runtime other --network none busybox nope`, differs: 'words of a newer dockerd' },
    `docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' rn; docker logs rn`,
    {
      run: `docker run --name rp --runtime other --network none busybox /etc/passwd`,
      differs: 'words of a newer dockerd',
    },
    `docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' rp`,
    { run: `docker run --name rg --runtime gone --network none busybox true`, differs: 'words of a newer dockerd' },
    `docker inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.HostConfig.Runtime}}' rg`,
    `docker rm rr rn rp rg`,
  ],
  'health checks': [
    `docker run -d --name hh --network none --health-cmd 'echo looked; test -e /ok' --health-interval 1s --health-retries 2 busybox sleep 1000`,
    `docker ps --format '{{.Status}}' | sed 's/Up.*(/(/'`,
    `docker inspect -f '{{json .Config.Healthcheck}}' hh`,
    `for i in $(seq 100); do [ "$(docker inspect -f '{{.State.Health.Status}}' hh)" = unhealthy ] && break; sleep 0.1; done`,
    `docker inspect -f '{{.State.Health.FailingStreak}} {{range .State.Health.Log}}{{.ExitCode}} {{.Output}}{{end}}' hh`,
    `docker ps --format '{{.Names}} {{.Status}}' --filter health=unhealthy | sed 's/Up.*(/(/'`,
    `docker exec hh touch /ok`,
    `for i in $(seq 100); do [ "$(docker inspect -f '{{.State.Health.Status}}' hh)" = healthy ] && break; sleep 0.1; done`,
    `docker inspect -f '{{.State.Health.FailingStreak}}' hh`,
    `docker stop -t 0 hh; docker inspect -f '{{.State.Health.Status}} {{.State.Health.FailingStreak}}' hh`,
    `docker start hh; docker inspect -f '{{.State.Health.Status}}' hh`,
    `docker ps --filter health=foo`,
    `docker run --network none --health-interval 100us busybox true`,
    `docker run --network none --no-healthcheck --health-cmd x busybox true`,
    `docker run --rm --network none --no-healthcheck busybox true`,
    `docker rm -f hh`,
  ],
  cp: [
    `docker run -d --name cc --network none busybox sh -c 'mkdir -p /data/sub; echo hi > /data/f; ln -s /data/f /data/abs; ln -s sub /data/rel; ln -s ../../../etc /data/up; touch -d @1000000000 /data/* /data; touch /ready; sleep 1000'`,
    `while ! docker exec cc test -e /ready; do sleep 0.1; done`,
    `docker cp cc:/data - | tar -tf -`,
    `docker cp cc:/data/. - | tar -tf -`,
    `docker cp cc:/data/rel/ - | tar -tf -`,
    `docker cp cc:/data/abs - | tar -tf -`,
    `docker cp -L cc:/data/abs - | tar -tf -`,
    `docker cp cc:/ - | tar -tPf - | head -n 1`,
    `docker cp cc:/nope out`,
    `docker cp cc:/data/f out && cat out && docker cp cc:/data/f newdir/`,
    `docker cp file cc:/data/; docker cp file cc:/data/renamed; docker cp dir cc:/data/copied; docker cp dir/. cc:/data/sub`,
    `docker cp dir cc:/data/f`,
    `docker cp file cc:/data/none/`,
    `tar -cf - file | docker cp - cc:/data/f`,
    `tar -cf - file | docker cp - cc:/tmp; docker exec cc ls -l /tmp/file | cut -c1-10`,
    `docker exec cc sh -c 'find /data | sort'`,
    `docker stop -t 0 cc; docker cp file cc:/later; docker cp cc:/later - | tar -tf -`,
    `docker cp nothing cc:/`,
    `docker cp a b; docker cp cc:/a cc:/b`,
    `docker create --name ro --read-only --network none busybox true; docker cp file ro:/`,
    `docker rm -f cc ro`,
  ],
  'lists, limits and ends': [
    `docker create --name c1 --network none --label a=b busybox true; docker ps -a --format '{{.Names}} {{.Status}} {{.Labels}}'`,
    `docker ps -as --format '{{.Names}} {{.Size}}' | sed 's/virtual.*//'`,
    { run: `docker top c1`, differs: 'words of a newer dockerd' },
    `docker port c1; docker port c1 80`,
    `docker wait c1; docker start c1; docker wait c1`,
    `docker logs --details c1`,
    `docker run --name c2 --network none busybox sh -c 'echo out; echo err >&2; exit 4'; docker logs c2; docker wait c2`,
    `docker logs --details c2`,
    {
      run: `docker stats --no-stream --format '{{.Name}} {{.CPUPerc}} {{.MemUsage}} {{.NetIO}} {{.BlockIO}} {{.PIDs}}' c2`,
    },
    `docker stats --no-stream nobody`,
    `docker run -d --name c3 --network none busybox sleep 1000; docker top c3 -o pid,args | sed 's/^[0-9 ]*//'; docker top c3 -o user`,
    `docker container prune -f --filter label=a=b | sed 's/space:.*//'`,
    { run: `docker container prune -f --filter foo=1`, differs: 'words of a newer dockerd' },
    `docker ps -a --format '{{.Names}}'`,
    `docker events --since 1 --until 2`,
    { run: `docker rm c3`, differs: 'words of a newer dockerd' },
    `docker run -d --name c4 --network none busybox sleep 1000`,
    {
      run: `E=$(curl -s --unix-socket "\${DOCKER_HOST#unix://}" -H 'Content-Type: application/json' -d '{"Cmd":["sh","-c","exit 3"],"AttachStdout":true,"User":"0"}' http://x/v1.41/containers/c4/exec | cut -d'"' -f4); curl -s --unix-socket "\${DOCKER_HOST#unix://}" http://x/v1.41/exec/$E/json; curl -s --unix-socket "\${DOCKER_HOST#unix://}" -H 'Content-Type: application/json' -d '{"Detach":true}' http://x/v1.41/exec/$E/start; sleep 1; curl -s --unix-socket "\${DOCKER_HOST#unix://}" http://x/v1.41/exec/$E/json | sed 's/"Pid":[0-9]*//'`,
    },
    { run: `docker kill -s HUP c4; docker kill -s BOGUS c4`, differs: 'words of a newer dockerd' },
    { run: `docker stop -t 0 c4; docker stop c4; docker kill c4`, differs: 'words of a newer dockerd' },
    { run: `docker start c4; docker restart -t 0 c4; docker inspect -f '{{.State.Status}} {{.RestartCount}}' c4` },
    // compat: the command line asks for whole seconds.
    `sleep 1; docker events --since 1h --until 0s --filter container=c4 --filter event=restart --format '{{.Action}}'`,
    `docker rm -f c2 c3 c4`,
    `docker rm c2`,
  ],
};

describe('docker containers, dockerd and skiff', {
  skip: missing('root', 'busybox', 'dockerd', 'docker', 'tar'),
}, () => {
  const folder = mkdtempSync('/tmp/skiff-diff-');
  const dockerd = new Dockerd(`${folder}/dockerd`);
  const skiff = new Daemon();
  before(async () => {
    await dockerd.start(...RUNTIMES);
    await skiff.start(...RUNTIMES);
    const busybox = busyboxTar();
    for (const socket of [dockerd.socket, skiff.socket]) {
      const { status, stderr } = runTool(['docker', '--host', `unix://${socket}`, 'import', busybox, 'busybox']);
      assert.equal(status, 0, stderr);
    }
  });
  after(async () => {
    await dockerd[Symbol.asyncDispose]();
    await skiff[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const run = (script: string, socket: string, at: string) => {
    const env = { ...process.env, DOCKER_HOST: `unix://${socket}`, DOCKER_CONFIG: `${folder}/config`, LC_ALL: 'C' };
    const { status, stdout, stderr } = spawnSync('sh', ['-c', script], { cwd: at, env, timeout: 60_000 });
    return { status, stdout: normalized(String(stdout), at), stderr: normalized(String(stderr), at) };
  };

  for (const [name, steps] of Object.entries(chapters)) {
    test(name, { timeout: 240_000 }, () => {
      const places = ['dockerd', 'skiff'].map((engine) => {
        const at = `${folder}/${engine}-${name.replaceAll(' ', '-')}`;
        mkdirSync(`${at}/dir/deep`, { recursive: true });
        writeFileSync(`${at}/file`, 'content\n');
        writeFileSync(`${at}/dir/deep/leaf`, 'leaf\n');
        return at;
      });
      // Nothing of another chapter is left, should it have failed.
      for (const { socket } of [dockerd, skiff]) run('docker ps -aq | xargs -r docker rm -f', socket, folder);
      for (const step of steps) {
        const { run: script, differs } = typeof step === 'string' ? { run: step, differs: undefined } : step;
        const theirs = run(script, dockerd.socket, places[0]!);
        const ours = run(script, skiff.socket, places[1]!);
        if (differs === undefined) assert.deepEqual(ours, theirs, script);
        else assert.equal(ours.status, theirs.status, `${script}: ${ours.stderr}`);
      }
    });
  }
});

/** Without what is never the same twice. */
function normalized(text: string, at: string): string {
  return (
    text
      .replaceAll(at, 'HERE')
      // What the docker client logs of its own races.
      .replace(/^time=.*\n/gm, '')
      .replace(/\b[0-9a-f]{64}\b/g, 'ID')
      .replace(/\b[0-9a-f]{12}\b/g, 'SHORT')
      .replace(/(?:Less than a second|About an? \w+|\d+ (?:second|minute)s?)(?= ago|$)/gm, 'SOME TIME')
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
  );
}
