import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RuntimeConfig } from '#specs';
import { compilePlan } from './compile.ts';
import { encodePlan } from './encode.ts';
import type { CompileInput } from './input.ts';
import type { OpName, Plan } from './op.ts';
import { printPlan } from './print.ts';

const input: CompileInput = {
  id: 'box',
  bundle: '/bundle',
  facts: {
    kernel: { major: 6, minor: 1 },
    boundingCapabilities: 0x1fffffffn,
    cpus: 2,
    timeNamespace: true,
    apparmor: false,
    selinux: false,
    mountPointOf: () => '/',
  },
  cgroup: { tasks: ['/cg/tasks'], hierarchies: [] },
  streams: { stdio: 'inherit', console: { to: 'parent' } },
  hold: { by: 'nobody' },
  home: '/root',
  preserveFds: 0,
  noPivot: false,
  noNewKeyring: false,
};

function config(change: object = {}, linux: object = {}): RuntimeConfig {
  return {
    ociVersion: '1.2.0',
    root: { path: 'rootfs' },
    process: { cwd: '/', args: ['sh'], env: ['PATH=/bin:/sbin'] },
    linux: { namespaces: [{ type: 'mount' }, { type: 'pid' }], ...linux },
    ...change,
  };
}

const names = (plan: Plan): OpName[] => plan.child.map(({ op }) => op);

function before(plan: Plan, first: OpName, second: OpName): void {
  const order = names(plan);
  assert.ok(order.includes(first) && order.includes(second), `${first} and ${second} in ${order.join(' ')}`);
  assert.ok(order.lastIndexOf(first) < order.indexOf(second), `${first} before ${second}: ${order.join(' ')}`);
}

test('compilePlan() is pure: the same input gives the same bytes and text', () => {
  const again = (): Plan => compilePlan(config(), input);
  assert.deepEqual(Buffer.from(encodePlan(again())), Buffer.from(encodePlan(again())));
  assert.equal(printPlan(again()), printPlan(again()));
});

test('compilePlan() keeps the order of the lifecycle', () => {
  const plan = compilePlan(config({ hostname: 'box', hooks: { createContainer: [{ path: '/h' }] } }), input);
  before(plan, 'writeFile', 'propagation');
  before(plan, 'hook', 'pivot');
  before(plan, 'pivot', 'hostname');
  before(plan, 'capBound', 'user');
  before(plan, 'user', 'capSet');
  before(plan, 'findExec', 'exec');
  assert.equal(names(plan).at(-1), 'exec');
});

test('the filter is loaded before rights are dropped, and last with no_new_privs', () => {
  const seccomp = { flags: 0, program: new Uint8Array(8) };
  before(compilePlan(config(), { ...input, seccomp }), 'seccomp', 'capBound');
  const quiet = config({ process: { cwd: '/', args: ['sh'], noNewPrivileges: true } });
  before(compilePlan(quiet, { ...input, seccomp }), 'capSet', 'seccomp');
});

test('programs are looked for in the PATH of the container', () => {
  const exec = compilePlan(config(), input).child.at(-1);
  assert.ok(exec?.op === 'exec');
  assert.deepEqual(exec.candidates, ['/bin/sh', '/sbin/sh']);
  assert.ok(exec.env.includes('HOME=/root'));
});

test('what the host does not have is not granted', () => {
  const all = { bounding: ['CAP_CHOWN', 'CAP_BPF'], permitted: ['CAP_CHOWN', 'CAP_BPF'], effective: ['CAP_BPF'] };
  const plan = compilePlan(config({ process: { cwd: '/', args: ['sh'], capabilities: all } }), input);
  const set = plan.child.find((op) => op.op === 'capSet');
  assert.ok(set?.op === 'capSet');
  assert.deepEqual([set.permitted, set.effective, set.ambient], [1n, 0n, 0n]);
});

function refuses(what: string, change: object, linux: object, message: RegExp): void {
  test(`compilePlan() refuses ${what}`, () => {
    assert.throws(() => compilePlan(config(change, linux), input), message);
  });
}

refuses('an unknown namespace', {}, { namespaces: [{ type: 'nope' }] }, /linux\.namespaces\[\]\.type is "nope"/);
refuses('a namespace listed twice', {}, { namespaces: [{ type: 'pid' }, { type: 'pid' }] }, /"pid" twice/);
refuses('a host-wide sysctl', {}, { sysctl: { 'kernel.panic': '1' } }, /kernel\.panic/);
refuses("the host's root", { root: { path: '/' } }, {}, /root\.path is "\/"/);
refuses('a mount inside /proc', { mounts: [{ destination: '/proc/1/x', type: 'tmpfs' }] }, {}, /inside \/proc/);
refuses(
  'an unknown capability',
  { process: { cwd: '/', args: ['sh'], capabilities: { bounding: ['CAP_X'] } } },
  {},
  /CAP_X/,
);
refuses('a relative cwd', { process: { cwd: 'x', args: ['sh'] } }, {}, /process\.cwd is "x"/);
refuses('resctrl', {}, { intelRdt: {} }, /intelRdt is not supported/);

test('compilePlan() opens the source of a bind inside its folder, before the clone', () => {
  const mounts = [{ destination: '/part', type: 'bind', source: 'a/b', options: ['rbind'] }];
  const plan = compilePlan(config({ mounts }), { ...input, sourceFolders: { '/part': '/volume' } });
  const opens = plan.parent.filter((op) => op.op === 'open');
  const inside = opens.find(({ path }) => path === 'a/b');
  assert.equal(opens.find(({ slot }) => slot === inside?.at)?.path, '/volume');
  // RESOLVE_IN_ROOT and RESOLVE_NO_MAGICLINKS: nothing in it leads out.
  assert.equal(inside?.resolve, 0x12);
  const tree = plan.parent.find((op) => op.op === 'openTree' && op.at === inside?.slot);
  const bind = plan.child.find((op) => op.op === 'mountBind' && op.target === '/part');
  assert.ok(tree?.op === 'openTree' && bind?.op === 'mountBind');
  assert.deepEqual([bind.sourceSlot, bind.source], [tree.slot, '']);
});
