/**
 * Many clients who know nothing of each other, on the same few names: whatever they do at the same time, each gets an
 * answer that makes sense, and in the end records and kernel say the same. SKIFF_STRESS_SECONDS sets how long,
 * SKIFF_STRESS_SEED repeats what the clients wanted (not when they got it).
 */
import assert from 'node:assert/strict';
import { existsSync, globSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Inspect } from '../support/containers.ts';
import { type Daemon, useDaemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { collect } from '../support/http.ts';
import { mountsOf, processesOf } from '../support/leaks.ts';
import { missing } from '../support/needs.ts';

const SECONDS = Number(process.env['SKIFF_STRESS_SECONDS'] ?? 15);
const SEED = Number(process.env['SKIFF_STRESS_SEED'] ?? (Date.now() % 1_000_000) + 1);
const CLIENTS = 24;
const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((letter) => `stress-${letter}`);
/** Longer than anything here takes, shorter than patience. */
const PATIENCE_MS = 60_000;

interface Choice {
  /** An integer below the limit. */
  below(limit: number): number;
  of<T>(list: readonly T[]): T;
}

/** Repeatable: xorshift. */
function chooser(seed: number): Choice {
  let state = seed || 1;
  const below = (limit: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
  return { below, of: (list) => list[below(list.length)]! };
}

interface Client {
  readonly choice: Choice;
  readonly daemon: Daemon;
  /** Sends it and counts the answer under the operation's name. Gives the body. */
  ask(
    path: string,
    wish: { method?: string; body?: unknown; expect: readonly number[]; leaveAfterMs?: number },
  ): Promise<{
    status: number;
    text: string;
  }>;
}

type Operation = (client: Client, name: string) => Promise<unknown>;

/** What a container is to mount: often nothing, else a volume filled from the image, one without a name, one in memory. */
const mountWishes: readonly { readonly [field: string]: unknown; readonly Volumes?: object }[] = [
  {},
  {},
  {},
  { Volumes: { '/anon': {}, '/etc': {} } },
  { Binds: ['stress-v:/etc', 'stress-copy:/copy'] },
  {
    Mounts: [
      {
        ...{ Type: 'volume', Source: 'stress-ram', Target: '/ram' },
        VolumeOptions: { DriverConfig: { Options: { type: 'tmpfs', device: 'tmpfs' } } },
      },
    ],
  },
];

/** 404: somebody removed it; 409: it is in another state, or somebody else has the name. */
const operations: Readonly<Record<string, Operation>> = {
  create: async ({ ask, choice, daemon }, name) => {
    const Cmd = choice.of([
      ['sleep', '300'],
      ['sh', '-c', 'echo out; sleep 0.2'],
      ['true'],
      ['sh', '-c', 'trap "" TERM; while :; do echo x; sleep 0.1; done'],
    ]);
    const policy = choice.below(6) === 0 ? { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 } } : {};
    const remove = choice.below(6) === 0 && !('RestartPolicy' in policy) ? { AutoRemove: true } : {};
    const { Volumes, ...mounts } = choice.of(mountWishes);
    const body = {
      Image: 'busybox',
      Cmd,
      Volumes,
      HostConfig: { NetworkMode: 'none', ...policy, ...remove, ...mounts },
    };
    const { status, text } = await ask(`/containers/create?name=${name}`, { body, expect: [201, 409] });
    if (status === 201) daemon.containers.made.push((JSON.parse(text) as { Id: string }).Id);
  },
  start: ({ ask }, name) => ask(`/containers/${name}/start`, { expect: [204, 304, 404, 409] }),
  stop: ({ ask, choice }, name) => ask(`/containers/${name}/stop?t=${choice.below(2)}`, { expect: [204, 304, 404] }),
  restart: ({ ask }, name) => ask(`/containers/${name}/restart?t=0`, { expect: [204, 404, 409] }),
  kill: ({ ask, choice }, name) =>
    ask(`/containers/${name}/kill?signal=${choice.of(['KILL', 'TERM', 'USR1'])}`, { expect: [204, 404, 409] }),
  pause: ({ ask }, name) => ask(`/containers/${name}/pause`, { expect: [204, 404, 409] }),
  unpause: ({ ask }, name) => ask(`/containers/${name}/unpause`, { expect: [204, 404, 409] }),
  // 400: it has that name.
  rename: ({ ask, choice }, name) =>
    ask(`/containers/${name}/rename?name=${choice.of(NAMES)}`, { expect: [204, 400, 404, 409] }),
  remove: ({ ask, choice }, name) =>
    ask(`/containers/${name}?force=${choice.below(2)}&v=${choice.below(2)}`, {
      method: 'DELETE',
      expect: [204, 404, 409],
    }),
  inspect: ({ ask }, name) => ask(`/containers/${name}/json?size=1`, { method: 'GET', expect: [200, 404] }),
  list: ({ ask }) => ask('/containers/json?all=1', { method: 'GET', expect: [200] }),
  wait: ({ ask, choice }, name) =>
    ask(`/containers/${name}/wait?condition=${choice.of(['not-running', 'next-exit', 'removed'])}`, {
      expect: [200, 404],
      leaveAfterMs: 300,
    }),
  exec: async ({ ask }, name) => {
    const body = { Cmd: ['sh', '-c', 'echo hi; exit 7'], AttachStdout: true };
    const { status, text } = await ask(`/containers/${name}/exec`, { body, expect: [201, 404, 409] });
    if (status !== 201) return;
    const { Id } = JSON.parse(text) as { Id: string };
    await ask(`/exec/${Id}/start`, { body: {}, expect: [200, 404, 409] });
    await ask(`/exec/${Id}/json`, { method: 'GET', expect: [200, 404] });
  },
  commit: async ({ ask }, name) => {
    const { status, text } = await ask(`/commit?container=${name}`, { expect: [201, 404, 409] });
    if (status !== 201) return;
    const { Id } = JSON.parse(text) as { Id: string };
    // Two commits of the same changes are the same image, and the other client may remove it.
    await ask(`/images/${Id}`, { method: 'DELETE', expect: [200, 404, 409] });
  },
  top: ({ ask }, name) => ask(`/containers/${name}/top`, { method: 'GET', expect: [200, 404, 409] }),
  stats: ({ ask }, name) => ask(`/containers/${name}/stats?stream=0&one-shot=1`, { method: 'GET', expect: [200, 404] }),
  logs: ({ ask, choice }, name) =>
    ask(`/containers/${name}/logs?stdout=1&stderr=1&follow=${choice.below(2)}`, {
      method: 'GET',
      expect: [200, 404],
      leaveAfterMs: 200,
    }),
  attach: ({ ask }, name) =>
    ask(`/containers/${name}/attach?stream=1&stdout=1&stderr=1`, { expect: [200, 404, 409], leaveAfterMs: 200 }),
  update: ({ ask, choice }, name) =>
    ask(`/containers/${name}/update`, { body: { CpuShares: 512 + choice.below(512) }, expect: [200, 404, 409] }),
  copy: ({ ask }, name) =>
    ask(`/containers/${name}/archive?path=/etc/passwd`, { method: 'GET', expect: [200, 404, 409] }),
  // Of few volumes that many containers have.
  volume: async ({ ask, choice }) => {
    const volume = choice.of(['stress-v', 'stress-ram', 'stress-copy']);
    const at = `/volumes/${volume}`;
    switch (choice.below(5)) {
      case 0:
        return ask('/volumes', { method: 'GET', expect: [200] });
      case 1:
        return ask(at, { method: 'GET', expect: [200, 404] });
      case 2:
        return ask(at, { method: 'DELETE', expect: [204, 404, 409] });
      case 3:
        return ask('/volumes/prune', { expect: [200] });
      default:
        return ask(`/skiff${at}/clone`, { body: { Name: 'stress-copy' }, expect: [201, 400, 404, 409] });
    }
  },
  changes: ({ ask }, name) => ask(`/containers/${name}/changes`, { method: 'GET', expect: [200, 404, 409] }),
};

/** Who waits for a program in a container that somebody has paused last would wait for ever. */
async function withoutPaused<T>(daemon: Daemon, clients: Promise<T>, isOver: () => boolean): Promise<T> {
  let hasEnded = false;
  const ended = clients.finally(() => (hasEnded = true));
  while (!hasEnded) {
    await Promise.race([ended, pause(200)]);
    if (hasEnded || !isOver()) continue;
    const filters = encodeURIComponent('{"status":["paused"]}');
    const paused = (await daemon.http.call('GET', `/containers/json?filters=${filters}`)).json<{ Id: string }[]>();
    for (const { Id } of paused) await daemon.http.send('POST', `/containers/${Id}/unpause`);
  }
  return ended;
}

describe('stress', { skip: missing('root', 'busybox'), timeout: (SECONDS + 180) * 1000 }, () => {
  const daemon = useDaemon();

  test(`${CLIENTS} clients on ${NAMES.length} names for ${SECONDS} s (seed ${SEED})`, async (context) => {
    const counts = new Map<string, number>();
    const agent = new Agent({ keepAlive: true });
    const descriptorsBefore = readdirSync(`/proc/${daemon.pid}/fd`).length;
    let until = performance.now() + SECONDS * 1000;
    const run = async (index: number): Promise<void> => {
      const choice = chooser(SEED * 31 + index);
      const names = Object.keys(operations);
      while (performance.now() < until) {
        // Half of what is done makes and starts, or little would be running.
        const operation = choice.below(3) === 0 ? choice.of(['create', 'start']) : choice.of(names);
        const ask: Client['ask'] = async (path, { method = 'POST', body, expect, leaveAfterMs }) => {
          const answer = await send(daemon.socket, agent, { method, path, body, leaveAfterMs });
          const key = `${operation} ${answer.status}`;
          counts.set(key, (counts.get(key) ?? 0) + 1);
          assert.ok([0, ...expect].includes(answer.status), `${method} ${path}: ${answer.status} ${answer.text}`);
          return answer;
        };
        await operations[operation]!({ choice, daemon, ask }, choice.of(NAMES));
      }
    };
    try {
      const clients = Promise.allSettled(
        Array.from({ length: CLIENTS }, (_, index) =>
          run(index).catch((error: unknown) => {
            // The others need not go on.
            until = 0;
            throw error;
          }),
        ),
      );
      const ends = await withoutPaused(daemon, clients, () => performance.now() >= until);
      const failures = ends.flatMap((end) => (end.status === 'rejected' ? [String(end.reason)] : []));
      assert.deepEqual(failures, [], `the daemon said:\n${daemon.output.slice(-3000)}`);
    } finally {
      agent.destroy();
      context.diagnostic(
        [...counts]
          .toSorted(([a], [b]) => (a < b ? -1 : 1))
          .map(([key, count]) => `${key}: ${count}`)
          .join(', '),
      );
    }
    await settle(daemon);
    await assertTruth(daemon);
    assert.doesNotMatch(daemon.output, /request failed/, 'nothing failed inside');

    await daemon.removeContainers();
    assert.deepEqual(await daemon.containers.list(), []);
    await eventually('nothing of them is left', () => {
      const left = processesOf(daemon.traces).filter(({ command }) => command.startsWith('skiff-shim '));
      return left.length === 0 && mountsOf(daemon.traces).every((line) => !/\/(?:rootfs|volumes)\//.test(line));
    });
    // Nobody holds a lock, and the names are free.
    for (const name of NAMES) {
      const id = await daemon.containers.create({ Cmd: ['true'] }, name);
      await daemon.containers.start(id);
      assert.equal(await daemon.containers.wait(id), 0);
      await daemon.containers.remove(id);
    }
    daemon.http.close();
    await eventually('descriptors are as before', () => {
      return readdirSync(`/proc/${daemon.pid}/fd`).length <= descriptorsBefore + 2;
    }).catch(() =>
      assert.fail(`of ${descriptorsBefore} descriptors have become:\n${openFiles(daemon.pid).join('\n')}`),
    );
    const images = (await daemon.http.call('GET', '/images/json?all=1')).json<object[]>();
    assert.ok(images.length >= 1, 'the image is there yet');
    if (SECONDS < 10) return;
    const succeeded = new Set([...counts.keys()].filter((key) => / 20\d$/.test(key)).map((key) => key.split(' ')[0]));
    assert.deepEqual(
      Object.keys(operations).filter((name) => !succeeded.has(name)),
      [],
      'every operation succeeded once',
    );
  });
});

/** What a process has open; a socket by its end of the connection, which is the path of whoever listens there. */
function openFiles(pid: number): string[] {
  const sockets = new Map<string, string>();
  for (const line of readFileSync(`/proc/${pid}/net/unix`, 'utf8').split('\n')) {
    const [, , , , , state, inode = '', path = 'no name'] = line.trim().split(/\s+/);
    sockets.set(`socket:[${inode}]`, `state ${state}, ${path}`);
  }
  return readdirSync(`/proc/${pid}/fd`).map((fd) => {
    const target = readlinkSync(`/proc/${pid}/fd/${fd}`);
    return `${fd} ${target} ${sockets.get(target) ?? ''}`.trim();
  });
}

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  /** For answers that may take for ever: the client goes away. */
  readonly leaveAfterMs: number | undefined;
}

/** Status 0: the client went away before there was one. Fails for an answer that does not come. */
async function send(socketPath: string, agent: Agent, { method, path, body, leaveAfterMs }: Sent) {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const text = body === undefined ? '' : JSON.stringify(body);
  const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) };
  // A client that goes away takes its connection along.
  const sent = request({ socketPath, agent: leaveAfterMs === undefined ? agent : false, method, path, headers });
  let hasLeft = false;
  let isLate = false;
  const leave = setTimeout(
    () => {
      hasLeft = true;
      sent.destroy();
    },
    leaveAfterMs ?? 2 ** 30,
  );
  const late = setTimeout(() => {
    isLate = true;
    sent.destroy(new Error(`no answer in ${PATIENCE_MS} ms: ${method} ${path}`));
  }, PATIENCE_MS);
  sent.once('response', resolve).on('error', reject);
  sent.end(text);
  let status = 0;
  try {
    const response = await promise;
    status = response.statusCode ?? 0;
    return { status, text: (await collect(response)).toString() };
  } catch (error) {
    if (hasLeft && !isLate) return { status, text: '' };
    throw new Error(`${method} ${path}: ${String(error)}`, { cause: error });
  } finally {
    clearTimeout(leave);
    clearTimeout(late);
  }
}

/** Restarts of policies come to their end. */
async function settle(daemon: Daemon): Promise<void> {
  await eventually(
    'nothing restarts or goes any more',
    async () => {
      const states = (await daemon.containers.list()).map(({ State }) => State);
      return !states.some((state) => state === 'restarting' || state === 'removing');
    },
    20_000,
  );
}

/** Each container is what it says it is: by its process and its cgroups. One may end while it is looked at. */
async function assertTruth(daemon: Daemon): Promise<void> {
  for (const { Id } of await daemon.containers.list()) {
    let problem = '';
    await eventually(`${Id} is what it says`, async () => {
      problem = await untruthOf(daemon, Id);
      return problem === '';
    }).catch((error: unknown) => {
      throw new Error(`${Id}: ${problem}`, { cause: error });
    });
  }
  // A shim takes a moment to end; one whose container nobody knows would stay for ever.
  await eventually('no shim of a container nobody knows', async () => {
    const known = new Set((await daemon.containers.list()).map(({ Id }) => Id));
    return shimIds(daemon).every((id) => known.has(id));
  }).catch((error: unknown) => {
    throw new Error(`shims: ${shimIds(daemon).join(', ')}`, { cause: error });
  });
}

/** What the kernel says otherwise; empty when it agrees. */
async function untruthOf(daemon: Daemon, id: string): Promise<string> {
  const { status, text } = await daemon.http.send('GET', `/containers/${id}/json`);
  // One that removes itself may have gone since.
  if (status === 404) return '';
  const { State } = JSON.parse(text) as Inspect;
  const cgroups = cgroupsOfContainer(daemon, id);
  const about = JSON.stringify({ State, cgroups });
  if (!State.Running) return State.Pid === 0 && cgroups.length === 0 ? '' : `something of it is left: ${about}`;
  if (!existsSync(`/proc/${State.Pid}/cgroup`)) return `its process is not there: ${about}`;
  if (!processesOf(daemon.traces).some(({ pid }) => pid === State.Pid)) return `its process is not its own: ${about}`;
  return isFrozen(daemon, id) === State.Paused ? '' : `paused and frozen are not the same: ${about}`;
}

function shimIds({ traces }: Daemon): string[] {
  return processesOf(traces).flatMap(({ command }) => /^skiff-shim ([0-9a-f]+)/.exec(command)?.[1] ?? []);
}

function cgroupsOfContainer({ cgroupParent }: Daemon, id: string): string[] {
  return globSync([`/sys/fs/cgroup${cgroupParent}/${id}`, `/sys/fs/cgroup/*${cgroupParent}/${id}`]);
}

function isFrozen(daemon: Daemon, id: string): boolean {
  return cgroupsOfContainer(daemon, id).some((folder) => {
    const read = (name: string): string => {
      try {
        return readFileSync(`${folder}/${name}`, 'utf8').trim();
      } catch {
        return '';
      }
    };
    return read('freezer.state') === 'FROZEN' || read('cgroup.freeze') === '1';
  });
}
