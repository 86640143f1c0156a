import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RuntimeConfig } from '#specs';
import { encodePlan } from './encode.ts';
import { compileForeign, compileForeignExec, type ForeignInput } from './foreign.ts';
import type { OpName, Plan } from './op.ts';

const command = { candidates: ['/usr/bin/crun'], args: ['crun', 'create', 'box'], env: ['PATH=/bin'] };
const input: ForeignInput = {
  bundle: '/run/box',
  facts: {
    kernel: { major: 6, minor: 1 },
    boundingCapabilities: 0x1fffffffn,
    cpus: 2,
    timeNamespace: true,
    apparmor: false,
    selinux: false,
    mountPointOf: () => '/',
  },
  overlay: { target: '/run/rootfs', options: ['lowerdir=/l'] },
  command,
  home: '/root',
};
const config = (change: object = {}, linux: object = {}): RuntimeConfig => ({
  ociVersion: '1.3.0',
  process: { cwd: '/', args: ['sh'], env: ['PATH=/bin'] },
  linux: {
    namespaces: [{ type: 'mount' }, { type: 'network' }, { type: 'time' }],
    sysctl: { 'net.ipv4.ip_forward': '1', 'kernel.shmmax': '7' },
    ...linux,
  },
  ...change,
});
const names = ({ child }: Plan): OpName[] => child.map(({ op }) => op);

test('the root is mounted and the network made before the child becomes the runtime', () => {
  const { plan } = compileForeign(config(), input);
  const order = names(plan);
  assert.deepEqual(order.slice(0, 3), ['wait', 'setsid', 'netlink']);
  assert.ok(order.indexOf('mountFs') < order.indexOf('chdir'));
  assert.equal(order.at(-1), 'exec');
  assert.ok(encodePlan(plan).length > 0);
  assert.deepEqual(compileForeign(config(), input), compileForeign(config(), input));
});

test('the runtime is told to use the network it is in, and sets no parameter of it', () => {
  const { plan, config: given } = compileForeign(config(), input);
  assert.deepEqual(given.linux?.namespaces, [{ type: 'mount' }, { type: 'network', path: '/proc/self/ns/net' }]);
  assert.deepEqual(given.linux?.sysctl, { 'kernel.shmmax': '7' });
  assert.ok(plan.child.some((op) => op.op === 'writeFile' && op.path === '/proc/sys/net/ipv4/ip_forward'));
  assert.equal(given.root?.path, '/run/rootfs');
  assert.deepEqual(given.process?.env, ['PATH=/bin', 'HOME=/root']);
});

test('the host’s network, or another container’s, stays what it is', () => {
  for (const namespaces of [[{ type: 'mount' }], [{ type: 'mount' }, { type: 'network', path: '/proc/7/ns/net' }]]) {
    const { plan, config: given } = compileForeign(config({}, { namespaces, sysctl: {} }), input);
    assert.deepEqual(given.linux?.namespaces, namespaces);
    assert.ok(!names(plan).includes('netlink'));
  }
});

test('a source in a folder is opened by us, and bound where the runtime finds it', () => {
  const mounts = [
    { destination: '/a', type: 'bind', source: '/host', options: ['rbind'] },
    { destination: '/v', type: 'bind', source: 'sub/file', options: ['rbind'] },
  ];
  const { plan, config: given } = compileForeign(config({ mounts }), {
    ...input,
    sourceFolders: { '/v': '/volumes/x' },
  });
  assert.deepEqual(given.mounts, [mounts[0], { ...mounts[1], source: '/run/box/source-1' }]);
  assert.ok(plan.parent.some((op) => op.op === 'open' && op.path === 'sub/file' && op.resolve !== 0));
  assert.ok(plan.child.some((op) => op.op === 'mountBind' && op.target === '/run/box/source-1'));
});

test('with a terminal the runtime’s own streams lead nowhere; an exec can be held', () => {
  const process = { cwd: '/', args: ['sh'], terminal: true };
  const plan = compileForeignExec(process, command, '/run/box/exec-1', { by: 'parent' });
  const order = names(plan);
  assert.equal(order.filter((op) => op === 'dup').length, 3);
  assert.ok(order.indexOf('hold') > order.indexOf('findExec') && order.indexOf('hold') < order.indexOf('exec'));
  assert.ok(encodePlan(plan).length > 0);
});
