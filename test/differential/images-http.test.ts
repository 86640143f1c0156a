/**
 * The image routes over plain HTTP, API version 1.41: the same status codes, the same keys with the same types of values
 * from dockerd and from our daemon, well asked and badly asked.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Http } from '../support/http.ts';
import { missing } from '../support/needs.ts';
import { Side } from '../support/sides.ts';
import { writeFiles } from './images-files.ts';

const skip = missing('root', 'dockerd', 'docker', 'docker-registry', 'nsenter', 'unshare', 'curl', 'busybox', 'tar');
const options = { skip, timeout: 120_000 };
const theirs = new Side('dockerd');
const ours = new Side('skiffd');

const SETUP = `
  docker load -q -i base.tar; docker load -q -i two.tar; docker tag base:1 other:1; docker import layer.tar
  docker create --name cc two:1 sh -c 'exit 3'; docker commit cc made:1`;

before(async () => {
  if (skip !== false) return;
  for (const side of [theirs, ours]) {
    await side.start();
    await writeFiles(`${side.folder}/work`);
    const { status, stderr } = await side.raw(SETUP);
    assert.equal(status, 0, stderr);
  }
});

after(async () => {
  for (const side of [theirs, ours]) await side[Symbol.asyncDispose]();
});

const filters = (value: unknown): string => `filters=${encodeURIComponent(JSON.stringify(value))}`;

/** In this order: some change what is there. */
const REQUESTS: readonly string[] = [
  'GET /images/json',
  'GET /images/json?all=1&shared-size=1&digests=1',
  `GET /images/json?${filters({ dangling: ['true'] })}`,
  `GET /images/json?${filters({ dangling: { true: true } })}`,
  `GET /images/json?${filters({ reference: ['nosuch'] })}`,
  `GET /images/json?${filters({ label: ['a=b'] })}`,
  `GET /images/json?${filters({ unknown: ['x'] })}`,
  `GET /images/json?${filters({ since: ['nosuch'] })}`,
  `GET /images/json?${filters({ dangling: ['maybe'] })}`,
  'GET /images/json?filters={nonsense',
  'GET /images/base:1/json',
  'GET /images/two:1/json',
  'GET /images/made:1/json',
  'GET /images/nosuch/json',
  'GET /images/Bad/json',
  'GET /images/sha256:0000/json',
  'GET /images/base:1/history',
  'GET /images/made:1/history',
  'GET /images/nosuch/history',
  'GET /images/nosuch/get',
  'GET /images/get?names=nosuch:1',
  'POST /images/base:1/tag?repo=tagged&tag=2',
  'POST /images/base:1/tag?repo=Bad',
  'POST /images/base:1/tag?repo=x&tag=.bad',
  'POST /images/base:1/tag',
  'POST /images/nosuch/tag?repo=x',
  'POST /images/create?fromImage=Bad&tag=1',
  'POST /images/create?fromImage=localhost:5601/nosuch&tag=1',
  'POST /images/create?fromImage=x&tag=.bad',
  'POST /images/create?fromImage=x&tag=1&platform=a/b/c/d',
  'POST /images/create?fromSrc=http://localhost:5601/nothing',
  'POST /images/create?fromSrc=-&repo=Bad',
  'POST /images/create?fromSrc=-&changes=NONSENSE+x',
  'POST /images/Bad/push?tag=1',
  `POST /images/prune?${filters({ unknown: ['x'] })}`,
  `POST /images/prune?${filters({ until: ['nonsense'] })}`,
  `POST /images/prune?${filters({ label: ['nosuch'] })}`,
  'POST /commit?container=nosuch',
  'POST /commit?container=cc&repo=Bad',
  'POST /commit?container=cc&repo=made&tag=2',
  'POST /commit?container=cc&changes=NONSENSE+x',
  'GET /containers/cc/changes',
  'GET /containers/nosuch/changes',
  'GET /containers/nosuch/export',
  'GET /system/df',
  'DELETE /images/nosuch',
  'DELETE /images/Bad',
  'DELETE /images/two:1',
  'DELETE /images/other:1',
  'DELETE /images/made:2?force=1',
  'DELETE /images/tagged:2?noprune=1',
  `POST /images/prune?${filters({ dangling: ['false'] })}`,
  'GET /images/json',
];

/** Types instead of values. Of a list only what its elements have in common counts. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return [...new Set(value.map((each) => JSON.stringify(shape(each))))].toSorted();
  if (value === null || typeof value !== 'object') return value === null ? 'null' : typeof value;
  const entries = Object.entries(value).filter(([key]) => !LEFT_OUT.has(key));
  return Object.fromEntries(
    entries
      .map(([key, each]) => [key, key === 'Labels' ? 'labels' : shape(each)])
      .toSorted(([a], [b]) => (a! < b! ? -1 : 1)),
  );
}

interface Told {
  readonly status: number;
  readonly body: unknown;
}

async function ask(side: Side, request: string): Promise<Told> {
  const [method = '', path = ''] = request.split(' ');
  const http = new Http(side.socket);
  try {
    const body = method === 'POST' && path.startsWith('/commit') ? {} : undefined;
    const { status, text } = await http.send(method, `/v1.41${path}`, body);
    return {
      status,
      body:
        text === ''
          ? ''
          : text
              .trim()
              .split('\n')
              .map((line) => shape(JSON.parse(line))),
    };
  } finally {
    http.close();
  }
}

/** Answers only dockerd 20.10 has. */
const BAD_REQUEST = { ours: 400, why: 'a bad request is no fault of the daemon: newer Docker says 400 too' };
const OTHERWISE: Readonly<Record<string, { readonly ours: number; readonly why: string }>> = {
  'GET /images/json?filters={nonsense': BAD_REQUEST,
  'POST /images/base:1/tag?repo=Bad': BAD_REQUEST,
  'POST /images/base:1/tag?repo=x&tag=.bad': BAD_REQUEST,
  'POST /images/base:1/tag': BAD_REQUEST,
  [`POST /images/prune?${filters({ until: ['nonsense'] })}`]: BAD_REQUEST,
  'POST /commit?container=cc&repo=Bad': BAD_REQUEST,
};

/** Rows of docs/differences.md: folders of the driver, the container of a commit, what only we tell. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  'GraphDriver',
  'ContainerConfig',
  'NetworkSettings',
  'Volumes',
  'BuildCache',
]);

test('image routes have the status codes and shapes of dockerd', options, async (context) => {
  for (const request of REQUESTS) {
    const [expected, actual] = [await ask(theirs, request), await ask(ours, request)];
    await context.test(request, () => {
      const otherwise = OTHERWISE[request];
      if (otherwise) assert.equal(actual.status, otherwise.ours, otherwise.why);
      else assert.deepEqual(actual, expected);
    });
  }
});
