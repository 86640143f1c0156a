/**
 * Requests as people write them by hand and clients get them wrong, over plain HTTP, against dockerd and our daemon: the
 * same status and the same words, or what stands below as known to differ.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import { Daemon } from '../support/daemon.ts';
import { Dockerd, runTool } from '../support/engines.ts';
import { collect } from '../support/http.ts';
import { missing } from '../support/needs.ts';
import { busyboxTar } from '../support/rootfs.ts';

/** `METHOD PATH BODY`, the same from both; or what ours says instead. */
type Row = string | readonly [request: string, status: number, words: RegExp];

const filters = (value: unknown): string => `filters=${encodeURIComponent(JSON.stringify(value))}`;
const none = '"HostConfig":{"NetworkMode":"none"}';
const create = (fields: string): string => `POST /containers/create {"Image":"busybox","Cmd":["true"],${fields}}`;
const host = (fields: string): string => create(`"HostConfig":{"NetworkMode":"none",${fields}}`);
/** dockerd calls some bad requests its own failure, in words of Go's. */
const badJson = (row: string, field: string): Row => [row, 400, new RegExp(`invalid JSON: ${field}.* has to be`)];

const chapters: Readonly<Record<string, readonly Row[]>> = {
  'bodies of containers': [
    'POST /containers/create?name=low {"image":"busybox","cmd":["true"],"hostconfig":{"networkmode":"none","autoremove":true},"labels":{"a":null}}',
    `GET /containers/json?all=1&${filters({ name: ['^/low$'], label: ['a='] })} COUNT`,
    create(`${none},"Nonsense":{"x":1},"Cmd":["false"]`),
    create(`${none},"Labels":null,"Env":null,"Volumes":null`),
    ...['PortBindings', 'Mounts', 'Ulimits', 'ConsoleSize'].map((name) => host(`"${name}":null`)),
    host('"CapAdd":"NET_ADMIN"'),
    host('"PortBindings":{"80/tcp":[null]}'),
    badJson(host('"PortBindings":{"80/tcp":[{"HostPort":80}]}'), 'HostConfig.PortBindings'),
    badJson(host('"Memory":99999999999999999999'), 'HostConfig.Memory'),
    badJson(host('"ConsoleSize":[-1,2]'), 'HostConfig.ConsoleSize'),
    badJson(create(`${none},"NetworkingConfig":{"EndpointsConfig":{"none":{"Aliases":"x"}}}`), 'NetworkingConfig'),
    host('"Memory":-1'),
    host('"ShmSize":-1'),
    host('"CpusetCpus":"x"'),
    host('"CpusetMems":"0,"'),
    ...['', '=b', 'A=b'].map((text) => create(`"Env":["${text}"],${none}`)),
    ...['x', 'x:y', ':1.2.3.4', 'x:1.2.3.4:5', 'x:1.2.3.4', 'x:::1', 'x:host-gateway'].map((text) =>
      host(`"ExtraHosts":["${text}"]`),
    ),
    ...['x', '', '/'].map((path) => host(`"Tmpfs":{"${path}":""}`)),
    host('"VolumesFrom":[""]'),
    host('"Binds":["/data"]'),
  ],
  'prunes of the cache': [
    ...['label', 'label!'].map((key) => `POST /build/prune?${filters({ [key]: ['a'] })}`),
    [`POST /build/prune?${filters({ nonsense: ['a'] })}`, 400, /nonsense/],
  ],
  'states of containers': [
    'POST /containers/box/rename?name=',
    'POST /containers/box/rename?name=box',
    'POST /containers/box/rename?name=/box',
    'POST /containers/box/resize?h=10&w=10',
    'POST /containers/box/attach?stream=1',
    'POST /containers//box/kill',
    'POST /containers/box/pause',
    'POST /containers/box/kill?signal=CONT',
    ['POST /containers/box/unpause LATER', 409, /is not paused/],
    'POST /networks/none/disconnect {"container":"box"}',
    ['POST /containers/box/start?checkpoint=x', 501, /a checkpoint/],
    'POST /containers/box/exec {"cmd":["true"]}',
    'POST /containers/box/update {"cpushares":512}',
    'POST /containers/box/update {"Memory":-1}',
    'POST /containers/box/update {"CpusetCpus":"x"}',
    'POST /commit?container=box&repo=made:1&tag=2 {"cmd":["x"],"labels":{"a":null}}',
    'GET /images/made:2/json COUNT',
    badJson('POST /commit?container=box {"Env":"x"}', 'Env'),
    'POST /images/busybox/tag?repo=host:5000/a:b&tag=c',
    'GET /images/host:5000/a:c/json COUNT',
  ],
  'filters and times': [
    ...[
      { status: [] },
      { status: null },
      { status: { running: false } },
      { ancestor: [''] },
      { 'is-task': ['true'] },
      { 'is-task': ['x'] },
      { isolation: ['default'] },
      { publish: ['80'] },
      { expose: ['80-90/tcp'] },
    ].map((value) => `GET /containers/json?all=1&${filters(value)} COUNT`),
    ...['containers', 'networks', 'volumes', 'images'].map(
      (what): Row => [`POST /${what}/prune?filters=[]`, 400, /filters have to be an object/],
    ),
    [`GET /containers/json?${filters({ status: 'running' })}`, 400, /status has to be a list of strings/],
    `POST /networks/prune?${filters({ until: ['1h'] })}`,
    `POST /networks/prune?${filters({ until: ['2006-01-02'] })}`,
    [`POST /networks/prune?${filters({ until: ['x'] })}`, 400, /failed to parse value as time or duration/],
    ['GET /containers/box/logs?stdout=1&since=2020-13-01T00:00:00Z', 400, /value must be a timestamp/],
    'GET /containers/box/logs?stdout=1&since=1.9999999999',
    ['GET /events?since=1&until=x', 400, /value must be a timestamp/],
    'GET /events?since=1&until=0',
  ],
  'networks and volumes': [
    badJson('POST /networks/create {"Name":5}', 'Name'),
    badJson('POST /networks/create {"Name":"n","IPAM":5}', 'IPAM'),
    badJson('POST /networks/create {"Name":"n","IPAM":{"Config":[{"Subnet":5}]}}', 'IPAM.Config'),
    badJson('POST /networks/create {"Name":"n","Labels":["a"]}', 'Labels'),
    'POST /networks/create {"name":"conf","configonly":true,"Labels":null,"IPAM":null}',
    badJson('POST /networks/none/connect {"Container":5}', 'Container'),
    badJson('POST /networks/none/disconnect {"Container":"box","Force":"x"}', 'Force'),
    'GET /networks/ COUNT',
    'POST /volumes/create {"name":"low","labels":{"a":null}} COUNT',
    'DELETE /volumes/low',
  ],
  'types and paths': [
    ['POST /containers/box/exec {"Cmd":["true"]} text/plain', 400, /must be 'application\/json'/],
    'POST /containers/box/exec {"Cmd":["true"]} application/json;charset=utf-8',
    ['POST /v1/info', 400, /client version 1 is too old/],
    '/v1.41.0/_ping COUNT',
    'GET //info',
  ],
};

const folder = mkdtempSync('/tmp/skiff-odd-');
const dockerd = new Dockerd(`${folder}/dockerd`);
const skiff = new Daemon();
const skip = missing('root', 'busybox', 'dockerd', 'docker');

before(async () => {
  if (skip !== false) return;
  await Promise.all([dockerd.start(), skiff.start()]);
  const setup = 'docker import "$0" busybox && docker run -d --name box --network none busybox sleep 1000';
  for (const { socket } of [dockerd, skiff]) {
    const { status, stderr } = runTool(['env', `DOCKER_HOST=unix://${socket}`, 'sh', '-c', setup, busyboxTar()]);
    assert.equal(status, 0, stderr);
  }
});

after(async () => {
  if (skip === false) for (const side of [dockerd, skiff]) await side[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

for (const [name, rows] of Object.entries(chapters)) {
  test(`odd requests: ${name}`, { skip, timeout: 60_000 }, async (context) => {
    for (const row of rows) {
      const [asked, status, words] = typeof row === 'string' ? [row] : row;
      const [theirs, ours] = await Promise.all([dockerd, skiff].map(({ socket }) => ask(socket, asked)));
      await context.test(asked, () => {
        if (status === undefined) return assert.deepEqual(ours, theirs);
        assert.notDeepEqual(ours, theirs, 'it is listed as a difference and is none');
        assert.equal(ours!.status, status, ours!.says);
        assert.match(ours!.says, words!);
      });
    }
  });
}

interface Told {
  readonly status: number;
  /** The message of an error; of lists how long they are. */
  readonly says: string;
}

/** `METHOD PATH [BODY [TYPE]] [COUNT|LATER]`: what is counted is the entries of a list; LATER is asked when it is settled. */
async function ask(socketPath: string, row: string): Promise<Told> {
  const match = /^(?:([A-Z]+) )?(\S+)(?: (\{.*\}))?(?: ([a-z]\S+))?(?: (COUNT|LATER))?$/.exec(row)!;
  const [, method = 'GET', path = '', body, type = 'application/json', how] = match;
  if (how === 'LATER') await new Promise((resolve) => setTimeout(resolve, 300));
  const isBare = /^\/(\/|v1)/.test(path);
  const { promise, resolve, reject } = Promise.withResolvers<Told>();
  const sent = request({
    socketPath,
    agent: false,
    method,
    path: isBare ? path : `/v1.41${path}`,
    headers: { 'Content-Length': Buffer.byteLength(body ?? ''), ...(body ? { 'Content-Type': type } : {}) },
  });
  sent.once('error', reject);
  sent.once('response', (response) => {
    const status = response.statusCode!;
    const told = (text: string): string => (status >= 400 ? messageIn(text) : how === 'COUNT' ? countIn(text) : '');
    collect(response).then((bytes) => resolve({ status, says: told(bytes.toString()) }), reject);
  });
  sent.end(body);
  return promise;
}

/** compat: newer Docker begins its messages in lower case, and ids are nobody's. */
function messageIn(text: string): string {
  const message = text.startsWith('{') ? (JSON.parse(text) as { message: string }).message : text.trim();
  return `${message.charAt(0).toLowerCase()}${message.slice(1)}`.replace(/\b[0-9a-f]{64}\b/g, 'ID');
}

function countIn(text: string): string {
  const value: unknown = /^[[{]/.test(text) ? JSON.parse(text) : text;
  return Array.isArray(value) ? String(value.length) : typeof value;
}
