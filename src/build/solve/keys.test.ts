import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errors } from '../errors.ts';
import type { CopyAction, FilesStep, RunStep } from '../graph.ts';
import { filesDefinition, runDefinition, stepKey } from './keys.ts';
import { Slots } from './slots.ts';

const RUN: RunStep = {
  kind: 'run',
  name: '[2/3] RUN make',
  ignoresCache: false,
  root: 0,
  argv: ['/bin/sh', '-c', 'make'],
  environment: ['A=b'],
  workingDirectory: '/',
  user: '',
  network: 'default',
  isPrivileged: false,
  mounts: [],
  heredocs: [],
  proxyEnvironment: [],
};

test('a RUN is known by what it does, not by names, lines, proxies and where it stands in the graph', () => {
  const keyOf = (more: Partial<RunStep>, root = 'base', sources: readonly string[] = []): string =>
    stepKey({ definition: runDefinition({ ...RUN, ...more }), root, sources });
  const base = keyOf({});
  const cache = { kind: 'cache', target: '/c', id: 'c', isWritable: true, mode: 0o755, uid: 0, gid: 0 } as const;
  const withCache = keyOf({ mounts: [{ ...cache, sharing: 'shared', from: undefined, source: '/' }] });
  for (const same of [
    keyOf({ name: 'other', source: { start: 1, end: 2 }, ignoresCache: true, root: 7 }),
    keyOf({ proxyEnvironment: ['HTTP_PROXY=x'] }),
  ]) {
    assert.equal(same, base);
  }
  assert.equal(keyOf({ mounts: [{ ...cache, sharing: 'locked', from: 3, source: '/x' }] }), withCache);
  const bind = { kind: 'bind', target: '/s', from: 1, source: '/a', isWritable: false } as const;
  const others = [
    keyOf({}, 'another'),
    keyOf({ argv: ['/bin/sh', '-c', 'make all'] }),
    keyOf({ environment: ['A=c'] }),
    keyOf({ workingDirectory: '/w' }),
    keyOf({ user: '1' }),
    keyOf({ network: 'none' }),
    keyOf({ isPrivileged: true }),
    keyOf({ hostname: 'h' }),
    keyOf({ heredocs: [{ path: 'EOF', content: 'x' }] }),
    withCache,
    keyOf({ mounts: [bind] }, 'base', ['one']),
    keyOf({ mounts: [bind] }, 'base', ['two']),
  ];
  assert.equal(new Set([base, ...others]).size, others.length + 1);
});

test('a copy is known by where and how, what is in the digest of its sources', () => {
  const copy: CopyAction = {
    kind: 'copy',
    from: 1,
    sources: ['a'],
    target: '/t/',
    mode: '',
    owner: '',
    excludes: [],
    keepsParents: false,
    unpacks: false,
    isLinked: false,
  };
  const keyOf = (more: Partial<CopyAction>): string => {
    const step: FilesStep = { kind: 'files', name: '', ignoresCache: false, root: 0, actions: [{ ...copy, ...more }] };
    return stepKey({ definition: filesDefinition(step), root: '', sources: ['digest'] });
  };
  assert.equal(keyOf({ from: 5, sources: ['b*'], excludes: ['x'] }), keyOf({}));
  const others = [
    keyOf({ target: '/t' }),
    keyOf({ mode: '755' }),
    keyOf({ owner: '1' }),
    keyOf({ keepsParents: true }),
  ];
  assert.equal(new Set([keyOf({}), ...others, keyOf({ unpacks: true })]).size, 6);
});

test('slots are given in order, and a waiter that is cancelled takes none', async () => {
  const slots = new Slots(1);
  const never = new AbortController().signal;
  const order: string[] = [];
  const first = Promise.withResolvers<void>();
  const running = slots.run(never, () => first.promise);
  const stop = new AbortController();
  const cancelled = slots.run(stop.signal, async () => void order.push('cancelled'));
  const last = slots.run(never, async () => void order.push('last'));
  stop.abort();
  await assert.rejects(cancelled, { code: errors.cancelled().code });
  first.resolve();
  await Promise.all([running, last]);
  assert.deepEqual(order, ['last']);
});
