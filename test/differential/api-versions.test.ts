/**
 * What clients of old versions are told: the same fields from dockerd and from our daemon, for each version dockerd and we
 * both speak, and the same words for an engine that is in no swarm.
 */
import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { Http } from '../support/http.ts';
import { missing } from '../support/needs.ts';
import { busyboxTar } from '../support/rootfs.ts';
import { Side } from '../support/sides.ts';

const skip = missing('root', 'dockerd', 'docker', 'docker-registry', 'nsenter', 'unshare', 'busybox');
/** Those at which a shape changed, and their neighbours. */
const VERSIONS = [24, 25, 29, 30, 31, 35, 39, 40, 41];

const REQUESTS = [
  '/info',
  '/version',
  '/containers/json?all=1&size=1',
  '/containers/box/json?size=1',
  '/containers/box/top',
  '/containers/box/changes',
  '/containers/box/stats?stream=0&one-shot=1',
  '/exec/EXEC/json',
  '/events?since=0&until=NOW',
  '/images/json',
  '/images/busybox/json',
  '/images/busybox/history',
  '/system/df',
] as const;

/** Not in dockerd 20.10, whatever the version: newer Docker tells it to clients of all versions, or it is ours. */
const ONLY_OURS = [
  // Newer.
  '.CDISpecDirs',
  '.Components[].Details.Node',
  // Docker writes them when a limit was set: ours are bounded without.
  '.HostConfig.LogConfig.Config.max-file',
  '.HostConfig.LogConfig.Config.max-size',
];

/** What only dockerd 20.10 tells, and why we do not. */
const ONLY_THEIRS: Readonly<Record<string, string>> = {
  '.GraphDriver.Data': 'rows of docs/differences.md: folders of the driver',
  '.BuildTime': 'we do not know when we were built',
};

/** Rows of what was read from disks: none for the container whose program another has brought into memory. */
const BY_CHANCE = /^\.blkio_stats\.io_\w+\[\]\./;

describe('versions of the API', { skip, timeout: 120_000 }, () => {
  const theirs = new Side('dockerd');
  const ours = new Side('skiffd');
  const execs = new Map<Side, string>();

  before(async () => {
    for (const side of [theirs, ours]) {
      await side.start();
      await using http = clientOf(side);
      await http.call('POST', '/images/create?fromSrc=-&repo=busybox', createReadStream(busyboxTar()));
      const HostConfig = { NetworkMode: 'none' };
      const body = {
        Image: 'busybox',
        Cmd: ['sh', '-c', 'touch /made; exec sleep 600'],
        ExposedPorts: { '80/tcp': {} },
        HostConfig,
      };
      await http.call('POST', '/containers/create?name=box', body);
      await http.call('POST', '/containers/box/start');
      const exec = await http.call('POST', '/containers/box/exec', { Cmd: ['true'] });
      execs.set(side, exec.json<{ Id: string }>().Id);
      await http.call('POST', `/exec/${execs.get(side)}/start`, { Detach: true });
    }
  });
  after(async () => {
    for (const side of [theirs, ours]) await side[Symbol.asyncDispose]();
  });

  for (const version of VERSIONS) {
    test(`1.${version} has the fields dockerd's has`, async () => {
      const differences: string[] = [];
      for (const request of REQUESTS) {
        const [expected, actual] = await Promise.all(
          [theirs, ours].map((side) => fields(side, execs.get(side)!, version, request)),
        );
        const isCompared = (path: string): boolean => !BY_CHANCE.test(path);
        const missed = [...expected!.difference(actual!)]
          .filter(isCompared)
          .filter((path) => !isBelow(path, Object.keys(ONLY_THEIRS)));
        const added = [...actual!.difference(expected!)].filter(isCompared).filter((path) => !isBelow(path, ONLY_OURS));
        differences.push(...missed.map((path) => `${request} lacks ${path}`));
        differences.push(...added.map((path) => `${request} has ${path}, which dockerd has not`));
      }
      assert.deepEqual(differences, []);
    });
  }

  test('every difference that is known is one', () => {
    const rows = [...ONLY_OURS, ...Object.keys(ONLY_THEIRS)];
    assert.deepEqual(
      rows.filter((row) => !used.has(row)),
      [],
    );
  });

  test('statuses and words are the same where there is nothing', async () => {
    for (const request of [
      'GET /swarm',
      'POST /swarm/leave',
      'GET /nodes',
      'GET /services/x',
      'POST /secrets/create',
      'GET /tasks/x/logs?stdout=1',
      'GET /plugins',
      'GET /plugins/x/json',
      'DELETE /plugins/x',
      'POST /session',
      'GET /nothing',
      'POST /containers/box/start',
      'POST /containers/nosuch/rename?name=x',
      'GET /containers/box/logs',
      'GET /events?since=2&until=1',
    ]) {
      const [expected, actual] = await Promise.all(
        [theirs, ours].map(async (side) => {
          await using http = clientOf(side);
          const [method = '', path = ''] = request.split(' ');
          const { status, text } = await http.send(
            method,
            `/v1.41${path}`,
            method === 'POST' && path.startsWith('/se') ? {} : undefined,
          );
          return { request, status, text: text.trim() };
        }),
      );
      assert.deepEqual(actual, expected);
    }
  });

  test('old clients hear of output by its old name, and wait as they used to', async () => {
    for (const [version, type] of [
      [41, 'application/vnd.docker.raw-stream'],
      [42, 'application/vnd.docker.multiplexed-stream'],
    ] as const) {
      await using http = clientOf(ours);
      const logs = await http.stream(`/v1.${version}/containers/box/logs?stdout=1`);
      assert.equal(logs.headers['content-type'], type);
      logs.resume();
    }
  });
});

/** Rows of the tables above that have excused something. */
const used = new Set<string>();

function isBelow(path: string, tops: readonly string[]): boolean {
  const top = tops.find((each) => path === each || path.startsWith(`${each}.`));
  if (top !== undefined) used.add(top);
  return top !== undefined;
}

function clientOf(side: Side): Http & AsyncDisposable {
  const http = new Http(side.socket);
  return Object.assign(http, { [Symbol.asyncDispose]: async () => http.close() });
}

/** Paths of the fields of an answer, of all elements of its lists together; labels and counters have keys of their own. */
async function fields(side: Side, exec: string, version: number, request: string): Promise<Set<string>> {
  await using http = clientOf(side);
  const path = request.replace('EXEC', exec).replace('NOW', String(Math.ceil(Date.now() / 1000)));
  const { text } = await http.call('GET', `/v1.${version}${path}`);
  const values = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  const found = new Set<string>();
  for (const value of values) collect(value, '', found);
  return found;
}

const FREE_KEYS = /\.(Labels|Attributes|stats|Runtimes|IndexConfigs)$/;

function collect(value: unknown, at: string, found: Set<string>): void {
  if (Array.isArray(value)) {
    for (const each of value) collect(each, at === '' ? '.[]' : `${at}[]`, found);
  } else if (typeof value === 'object' && value !== null && !FREE_KEYS.test(at)) {
    for (const [key, each] of Object.entries(value)) {
      found.add(`${at}.${key}`);
      collect(each, `${at}.${key}`, found);
    }
  }
}
