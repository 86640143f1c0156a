import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Step } from '../graph.ts';
import { provenance, type ProvenanceFacts } from './provenance.ts';

const platform = { os: 'linux', architecture: 'amd64' };
const facts = { name: 'x', ignoresCache: false } as const;
const steps: Step[] = [
  { ...facts, kind: 'image', reference: 'sha256:1', platform },
  { ...facts, kind: 'local', context: 'context', excludes: [], paths: [] },
  {
    ...{ ...facts, kind: 'run', root: 0, argv: ['true'], environment: [], workingDirectory: '/', user: '' },
    ...{ network: 'none', isPrivileged: false, heredocs: [], proxyEnvironment: [], source: { start: 2, end: 3 } },
    mounts: [
      {
        ...{ kind: 'secret', id: 's', target: '/s', environmentName: undefined, isRequired: false },
        ...{ mode: 0o400, uid: 0, gid: 0 },
      },
    ],
  },
];

function made(
  more: Partial<ProvenanceFacts['wish']>,
  needed: readonly number[] = [0, 2],
  attributes: Readonly<Record<string, string>> = {},
): { predicate: never; type: string } {
  const { predicate, predicateType } = provenance({
    wish: {
      ...{ mode: 'max', version: 'v1', isInlineOnly: false, builderId: 'me', isReproducible: false, fileName: 'p' },
      ...more,
    },
    graph: { steps },
    needed,
    materials: [
      { uri: 'pkg:docker/busybox@1', digest: { sha256: 'd' } },
      { uri: 'https://xxxxx@host/r.git#v1', digest: { sha1: 'c' } },
    ],
    attributes: {
      ...{
        filename: 'Other',
        'build-arg:A': 'secret?',
        'label:l': 'x',
        target: 't',
        'vcs:source': 'https://u:p@host/r',
      },
      ...{ 'local-sessionid:context': 's', 'attest:sbom': '' },
      ...attributes,
    },
    dockerfile: { name: 'Other', text: 'FROM busybox\n' },
    builderPlatform: platform,
    targetPlatform: { os: 'linux', architecture: 'arm64' },
    invocationId: 'i',
    startedAt: '2026-01-01T00:00:00Z',
    finishedAt: '2026-01-01T00:00:01Z',
  });
  return { predicate: predicate as never, type: predicateType };
}

test('the large form has arguments, steps, lines and the file; no password', () => {
  const { predicate, type } = made({});
  assert.equal(type, 'https://slsa.dev/provenance/v1');
  const { buildDefinition, runDetails } = predicate as Record<string, Record<string, never>>;
  assert.deepEqual(buildDefinition!['externalParameters'], {
    configSource: { path: 'Other' },
    request: {
      frontend: 'dockerfile.v0',
      args: { 'build-arg:A': 'secret?', 'label:l': 'x', target: 't' },
      secrets: [{ id: 's', optional: true }],
    },
  });
  assert.deepEqual(buildDefinition!['resolvedDependencies'], [
    { uri: 'pkg:docker/busybox@1', digest: { sha256: 'd' } },
    { uri: 'https://xxxxx@host/r.git#v1', digest: { sha1: 'c' } },
  ]);
  const text = JSON.stringify([buildDefinition, runDetails]);
  assert.match(text, /"id":"step2","op":\{"Op":\{"exec".*"inputs":\["step0:0"\]/);
  assert.match(text, /"source":"https:\/\/xxxxx@host\/r"/);
  assert.match(text, /"locations":\{"step2":\{"locations":\[\{"ranges":\[\{"start":\{"line":2\},"end":\{"line":3\}/);
  assert.match(text, /"buildkit_hermetic":true,"buildkit_completeness":\{"request":true,"resolvedDependencies":true\}/);
});

test('a context elsewhere is named with what was fetched of it, other contexts without their passwords', () => {
  const contexts = { context: 'https://u:p@host/r.git#v1:sub', 'context:more': 'https://u:p@host/more.git' };
  const { predicate } = made({}, [0], contexts);
  const { buildDefinition } = predicate as Record<string, Record<string, never>>;
  const { externalParameters, internalParameters } = buildDefinition as unknown as Record<string, unknown>;
  const { configSource, request } = externalParameters as { configSource: unknown; request: { args: object } };
  assert.deepEqual(configSource, { uri: 'https://xxxxx@host/r.git#v1:sub', digest: { sha1: 'c' }, path: 'Other' });
  assert.equal((request.args as Record<string, string>)['context:more'], 'https://xxxxx@host/more.git');
  assert.equal((internalParameters as Record<string, string>)['targetPlatform'], 'linux/arm64');
});

test('the small form has neither arguments nor labels nor steps, and says that it is not whole', () => {
  const { predicate } = made({ mode: 'min' }, [0, 1, 2]);
  const text = JSON.stringify(predicate);
  assert.doesNotMatch(text, /secret\?|label:l|llbDefinition|RlJPTSBi/);
  assert.match(text, /"args":\{"target":"t"\},"locals":\[\{"name":"context"\}\]/);
  assert.match(text, /"buildkit_completeness":\{"request":false,"resolvedDependencies":false\}/);
  assert.doesNotMatch(text, /hermetic/);
});

test('the older version says the same in its words', () => {
  const { predicate, type } = made({ version: 'v0.2', isReproducible: true });
  assert.equal(type, 'https://slsa.dev/provenance/v0.2');
  const { builder, buildType, invocation, metadata } = predicate as unknown as Record<string, unknown>;
  assert.deepEqual([builder, buildType], [{ id: 'me' }, 'https://mobyproject.org/buildkit@v1']);
  assert.deepEqual((invocation as { configSource: unknown }).configSource, { entryPoint: 'Other' });
  assert.equal((metadata as { reproducible: boolean }).reproducible, true);
});
