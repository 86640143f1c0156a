/**
 * The operations of a plan: one table of codes and field shapes, from which the types, the encoder and the
 * printer are derived. The numbers are those of native/src/plan.h (compared by a test); what each operation
 * does stands in native/README.md.
 */

/** Wire types: `slot` and `u32` are u32, `text` is a string without NUL, `data` any bytes. */
type FieldType = 'slot' | 'u32' | 'u64' | 'text' | 'data' | 'texts' | 'u32s';

export const opShapes = {
  mkdir: { code: 1, fields: { at: 'slot', path: 'text', mode: 'u32' } },
  writeFile: { code: 2, fields: { at: 'slot', path: 'text', data: 'text', openFlags: 'u32', mode: 'u32' } },
  open: { code: 3, fields: { slot: 'slot', at: 'slot', path: 'text', openFlags: 'u32', mode: 'u32', resolve: 'u64' } },
  close: { code: 4, fields: { slot: 'slot' } },
  rmdir: { code: 5, fields: { at: 'slot', path: 'text' } },
  symlink: { code: 6, fields: { root: 'slot', target: 'text', path: 'text' } },
  mknod: {
    code: 7,
    fields: { root: 'slot', path: 'text', mode: 'u32', major: 'u32', minor: 'u32', uid: 'u32', gid: 'u32' },
  },
  mkdirIn: { code: 8, fields: { root: 'slot', path: 'text', mode: 'u32', uid: 'u32', gid: 'u32' } },
  listen: { code: 10, fields: { slot: 'slot', path: 'text', mode: 'u32' } },
  connect: { code: 11, fields: { slot: 'slot', path: 'text' } },
  pidfdOpen: { code: 12, fields: { slot: 'slot', pid: 'u32', startTime: 'u64' } },
  setns: { code: 13, fields: { slot: 'slot', path: 'text', kind: 'u32' } },
  unshare: { code: 14, fields: { flags: 'u32' } },
  clone: { code: 15, fields: { flags: 'u64', cgroup: 'slot' } },
  writeProc: { code: 16, fields: { name: 'text', data: 'text' } },
  post: { code: 17, fields: { number: 'u32' } },
  wait: { code: 18, fields: { number: 'u32' } },
  hook: { code: 19, fields: { path: 'text', args: 'texts', env: 'texts', timeoutMs: 'u32', stdin: 'texts' } },
  hold: { code: 20, fields: { listener: 'slot' } },
  bpfDevice: { code: 21, fields: { cgroup: 'text', program: 'data' } },
  idmapUserns: { code: 22, fields: { slot: 'slot', uidMap: 'text', gidMap: 'text' } },
  netlink: { code: 23, fields: { protocol: 'u32', messages: 'data', pidOffset: 'u32' } },
  dup: { code: 24, fields: { from: 'slot', to: 'slot' } },
  await: { code: 25, fields: {} },
  propagation: { code: 30, fields: { at: 'slot', path: 'text', flags: 'u64' } },
  openTree: { code: 31, fields: { slot: 'slot', at: 'slot', path: 'text', flags: 'u32' } },
  mountFs: {
    code: 32,
    fields: {
      root: 'slot',
      target: 'text',
      create: 'u32',
      type: 'text',
      source: 'text',
      options: 'texts',
      attributes: 'u64',
      propagation: 'u64',
      idmap: 'slot',
    },
  },
  mountBind: {
    code: 33,
    fields: {
      root: 'slot',
      target: 'text',
      create: 'u32',
      sourceSlot: 'slot',
      source: 'text',
      set: 'u64',
      clear: 'u64',
      propagation: 'u64',
      idmap: 'slot',
    },
  },
  remount: { code: 34, fields: { root: 'slot', path: 'text', set: 'u64', clear: 'u64', propagation: 'u64' } },
  umount: { code: 35, fields: { at: 'slot', path: 'text', flags: 'u32' } },
  pivot: { code: 36, fields: { root: 'text', how: 'u32' } },
  mask: { code: 37, fields: { paths: 'texts' } },
  readonly: { code: 38, fields: { paths: 'texts' } },
  setxattr: { code: 39, fields: { root: 'slot', path: 'text', name: 'text', value: 'data' } },
  hostname: { code: 40, fields: { name: 'text' } },
  domainname: { code: 41, fields: { name: 'text' } },
  rlimit: { code: 42, fields: { resource: 'u32', soft: 'u64', hard: 'u64' } },
  capBound: { code: 43, fields: { mask: 'u64' } },
  user: { code: 44, fields: { uid: 'u32', gid: 'u32', groups: 'u32s' } },
  capSet: { code: 45, fields: { effective: 'u64', permitted: 'u64', inheritable: 'u64', ambient: 'u64' } },
  noNewPrivs: { code: 46, fields: {} },
  seccomp: { code: 47, fields: { flags: 'u32', program: 'data', listener: 'slot' } },
  umask: { code: 48, fields: { mask: 'u32' } },
  setsid: { code: 49, fields: {} },
  pty: {
    code: 50,
    fields: { destination: 'slot', rows: 'u32', columns: 'u32', uid: 'u32', gid: 'u32', name: 'text' },
  },
  stdio: { code: 51, fields: {} },
  chdir: { code: 52, fields: { path: 'text' } },
  sched: {
    code: 53,
    fields: {
      policy: 'u32',
      flags: 'u64',
      nice: 'u32',
      priority: 'u32',
      runtime: 'u64',
      deadline: 'u64',
      period: 'u64',
    },
  },
  ioprio: { code: 54, fields: { value: 'u32' } },
  keyring: { code: 55, fields: { name: 'text' } },
  personality: { code: 56, fields: { value: 'u32' } },
  affinity: { code: 57, fields: { mask: 'data' } },
  mempolicy: { code: 58, fields: { mode: 'u32', nodeMask: 'data' } },
  sendFd: { code: 59, fields: { socket: 'slot', fd: 'slot', parts: 'texts' } },
  closeFds: { code: 60, fields: { keep: 'u32' } },
  findExec: { code: 61, fields: { candidates: 'texts' } },
  exec: { code: 62, fields: { candidates: 'texts', args: 'texts', env: 'texts' } },
  dumpable: { code: 64, fields: { value: 'u32' } },
  chownStdio: { code: 65, fields: { uid: 'u32' } },
} as const satisfies Record<string, { code: number; fields: Record<string, FieldType> }>;

interface FieldValues {
  slot: number;
  u32: number;
  u64: bigint | number;
  text: string;
  data: Uint8Array;
  texts: readonly string[];
  u32s: readonly number[];
}

type Shapes = typeof opShapes;
export type OpName = keyof Shapes;

type FieldsOf<Name extends OpName> = {
  readonly [Field in keyof Shapes[Name]['fields']]: Shapes[Name]['fields'][Field] extends keyof FieldValues
    ? FieldValues[Shapes[Name]['fields'][Field]]
    : never;
};

/** One operation; `opFlags` are the flag bits below. */
export type Op = { [Name in OpName]: { readonly op: Name; readonly opFlags?: number } & FieldsOf<Name> }[OpName];

/** A plan without `clone` in its parent stream is a batch and has no child stream. */
export interface Plan {
  readonly parent: readonly Op[];
  readonly child: readonly Op[];
}

/** "No slot": the process's own root or cwd, no file descriptor, no offset. */
export const NONE = 0xffffffff;

/** Slots the helper fills itself; plans use those from `firstFree` on. */
export const slots = { sync: 0, stdin: 1, stdout: 2, stderr: 3, firstFree: 8, count: 256 } as const;

/** Flag bits of operations: the first three of any, the others of those named. */
export const opFlags = {
  optional: 1,
  ignoreMissing: 2,
  ignoreExisting: 4,
  parents: 0x10,
  replace: 0x10,
  copyUp: 0x10,
  recursive: 0x10,
  attributesRecursive: 0x20,
  sourceInRoot: 0x40,
  noSetgroups: 0x10,
  console: 0x10,
  blockSignals: 0x10,
} as const;

/** What a mount makes when its target is missing. */
export const create = { nothing: 0, directory: 1, file: 2, likeSource: 3 } as const;

export const PLAN_MAGIC = 0x504b5331;
