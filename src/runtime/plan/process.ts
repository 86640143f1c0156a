/** The process itself: limits, scheduling, identity, capabilities, filter, working folder, program. */
import {
  capabilityBit,
  capabilityMask,
  ioPriorityClasses,
  ioPriorityValue,
  memoryPolicyFlags,
  memoryPolicyModes,
  O,
  personalities,
  rlimitNumbers,
  schedulerFlags,
  schedulerPolicies,
} from '#linux';
import { type LinuxConfig, OCI_RUNTIME_VERSION, type Process, type StateStatus } from '#specs';
import { errors } from '../errors.ts';
import { cpuMask } from './cpu-list.ts';
import { type HookState, stateParts } from './hooks.ts';
import type { CompileInput, SeccompProgram } from './input.ts';
import { NONE, type Op, opFlags } from './op.ts';
import type { SlotAllocator } from './slots.ts';

const SECCOMP_NEW_LISTENER = 8;
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const RLIM_INFINITY = 2n ** 64n - 1n;

/** Early settings that need the host's rights: OOM score, limits, scheduling, personality. */
export function planEarlyProcess(process: Process, linux: LinuxConfig): Op[] {
  const ops: Op[] = [];
  if (process.oomScoreAdj !== undefined) {
    ops.push(writeSelf('oom_score_adj', String(process.oomScoreAdj)));
  }
  for (const { type, soft, hard } of process.rlimits ?? []) {
    const resource = rlimitNumbers[type];
    if (resource === undefined) {
      throw errors.invalidSpec(
        'process.rlimits[].type',
        `"${type}"`,
        `use one of ${Object.keys(rlimitNumbers).join(', ')}`,
      );
    }
    if (BigInt.asUintN(64, BigInt(soft)) > BigInt.asUintN(64, BigInt(hard))) {
      throw errors.invalidSpec(`the soft limit of ${type}`, String(soft), `it may not exceed the hard limit ${hard}`);
    }
    ops.push({ op: 'rlimit', resource, soft: unlimited(soft), hard: unlimited(hard) });
  }
  ops.push(...planScheduling(process), ...planMemoryPolicy(linux));
  if (linux.personality) {
    const domain = linux.personality.domain ?? 'LINUX';
    if (!(domain in personalities) || (linux.personality.flags ?? []).length > 0) {
      throw errors.invalidSpec(
        'linux.personality',
        JSON.stringify(linux.personality),
        'domain LINUX or LINUX32, no flags',
      );
    }
    ops.push({ op: 'personality', value: personalities[domain]! });
  }
  return ops;
}

const unlimited = (value: number | bigint): bigint => (BigInt(value) < 0n ? RLIM_INFINITY : BigInt(value));

function planScheduling(process: Process): Op[] {
  const ops: Op[] = [];
  const { scheduler, ioPriority } = process;
  if (scheduler) {
    const policy = schedulerPolicies[scheduler.policy];
    if (policy === undefined) {
      const known = Object.keys(schedulerPolicies).join(', ');
      throw errors.invalidSpec('process.scheduler.policy', `"${scheduler.policy}"`, `use one of ${known}`);
    }
    const flags = (scheduler.flags ?? []).reduce((bits, name) => {
      const bit = schedulerFlags[name];
      if (bit === undefined) throw errors.invalidSpec('process.scheduler.flags', `"${name}"`, 'see sched_setattr(2)');
      return bits | bit;
    }, 0);
    ops.push({
      op: 'sched',
      policy,
      flags,
      nice: scheduler.nice ?? 0,
      priority: scheduler.priority ?? 0,
      runtime: scheduler.runtime ?? 0,
      deadline: scheduler.deadline ?? 0,
      period: scheduler.period ?? 0,
    });
  }
  if (ioPriority) {
    const classNumber = ioPriorityClasses[ioPriority.class];
    const priority = ioPriority.priority ?? 0;
    if (classNumber === undefined || priority < 0 || priority > 7) {
      throw errors.invalidSpec(
        'process.ioPriority',
        JSON.stringify(ioPriority),
        'class IOPRIO_CLASS_RT, _BE or _IDLE, priority 0 to 7',
      );
    }
    ops.push({ op: 'ioprio', value: ioPriorityValue(classNumber, priority) });
  }
  return ops;
}

function planMemoryPolicy(linux: LinuxConfig): Op[] {
  const policy = linux.memoryPolicy;
  if (!policy?.mode) return [];
  const mode = memoryPolicyModes[policy.mode];
  if (mode === undefined)
    throw errors.invalidSpec('linux.memoryPolicy.mode', `"${policy.mode}"`, 'see set_mempolicy(2)');
  const flags = (policy.flags ?? []).reduce((bits, name) => {
    const bit = memoryPolicyFlags[name];
    if (bit === undefined) throw errors.invalidSpec('linux.memoryPolicy.flags', `"${name}"`, 'see set_mempolicy(2)');
    return bits | bit;
  }, 0);
  return [{ op: 'mempolicy', mode: mode | flags, nodeMask: cpuMask(policy.nodes ?? '', 'linux.memoryPolicy.nodes') }];
}

/** A session keyring per container (keyrings(7)): `exec` joins the one `create` made. Kernels may lack keyrings. */
export const keyring = (id: string): Op => ({
  op: 'keyring',
  name: `_ses.${id.slice(0, 64)}`,
  opFlags: opFlags.optional,
});

/** The CPUs this process may run on; nothing without a list. Throws `invalidSpec`. */
export function planAffinity(list: string | undefined, field: string): Op[] {
  return list === undefined || list === '' ? [] : [{ op: 'affinity', mask: cpuMask(list, field) }];
}

/** Labels of security modules for the coming exec; through /proc of the container. */
export function planLabels(process: Process, input: CompileInput): Op[] {
  const ops: Op[] = [];
  if (process.apparmorProfile) {
    if (!input.facts.apparmor) {
      throw errors.unsupported(`AppArmor profile "${process.apparmorProfile}"`, 'this kernel runs without AppArmor');
    }
    ops.push(writeSelf('attr/apparmor/exec', `exec ${process.apparmorProfile}`));
  }
  if (process.selinuxLabel) {
    if (!input.facts.selinux) {
      throw errors.unsupported(`SELinux label "${process.selinuxLabel}"`, 'this kernel runs without SELinux');
    }
    ops.push(writeSelf('attr/exec', process.selinuxLabel));
  }
  return ops;
}

const writeSelf = (file: string, data: string): Op => ({
  op: 'writeFile',
  at: NONE,
  path: `/proc/thread-self/${file}`,
  data,
  openFlags: O.WRONLY,
  mode: 0,
});

export interface IdentityInput {
  readonly process: Process;
  readonly input: CompileInput;
  readonly slots: SlotAllocator;
  readonly parent: Op[];
  readonly noSetgroups: boolean;
  /** What a listener of the filter is told about the container. */
  readonly state: HookState;
  readonly status: StateStatus;
}

/**
 * From all rights to those of the config, then HOLD, then the program.
 *
 * Without no_new_privs a filter needs CAP_SYS_ADMIN, so it comes before the capabilities go; with it, it comes as
 * late as possible, so that a narrow profile need not allow what we ourselves still call.
 */
export function planIdentity(identity: IdentityInput, startHooks: readonly Op[]): Op[] {
  const { process, input, slots, parent, noSetgroups } = identity;
  const { uid = 0, gid = 0, additionalGids = [], umask } = process.user ?? {};
  const sets = capabilitySets(process, input.facts.boundingCapabilities);
  const filter = input.seccomp ? planSeccomp(input.seccomp, identity) : [];
  const quiet = process.noNewPrivileges === true;
  const candidates = execCandidates(process);
  // The folder may be one only root may enter, or one only the user may enter (root-squashed NFS): both are tried.
  const chdir: Op = { op: 'chdir', path: process.cwd };
  const ops: Op[] = [
    { op: 'umask', mask: umask ?? 0o022 },
    { ...chdir, opFlags: opFlags.optional },
  ];
  if (quiet) ops.push({ op: 'noNewPrivs' });
  else ops.push(...filter);
  ops.push(
    { op: 'capBound', mask: sets.bounding },
    { op: 'user', opFlags: noSetgroups ? opFlags.noSetgroups : 0, uid, gid, groups: additionalGids },
    {
      op: 'capSet',
      effective: sets.effective,
      permitted: sets.permitted,
      inheritable: sets.inheritable,
      ambient: sets.ambient,
    },
    chdir,
    { op: 'findExec', candidates },
  );
  ops.push(...planHold(input, slots, parent));
  if (quiet) ops.push(...filter);
  ops.push(...startHooks, { op: 'closeFds', keep: input.preserveFds });
  const execFlags = input.isInit ? opFlags.blockSignals : 0;
  const env = environment(process, input.home);
  ops.push({ op: 'exec', opFlags: execFlags, candidates, args: process.args ?? [], env });
  return ops;
}

function planHold(input: CompileInput, slots: SlotAllocator, parent: Op[]): Op[] {
  if (input.hold.by === 'nobody') return [];
  if (input.hold.by === 'parent') return [{ op: 'hold', listener: NONE }];
  const listener = slots.next();
  parent.push({ op: 'listen', slot: listener, path: input.hold.path, mode: 0o600 });
  return [{ op: 'hold', listener }];
}

function planSeccomp(seccomp: SeccompProgram, { slots, parent, state, status }: IdentityInput): Op[] {
  if (!seccomp.listener) return [{ op: 'seccomp', flags: seccomp.flags, program: seccomp.program, listener: NONE }];
  const notify = slots.next();
  const socket = slots.next();
  parent.push({ op: 'connect', slot: socket, path: seccomp.listener.path });
  const parts = listenerParts(seccomp.listener.metadata, state, status);
  return [
    { op: 'seccomp', flags: seccomp.flags | SECCOMP_NEW_LISTENER, program: seccomp.program, listener: notify },
    { op: 'sendFd', socket, fd: notify, parts },
    { op: 'close', slot: socket },
    { op: 'close', slot: notify },
  ];
}

/** spec: config-linux.md, "The Container Process State": JSON, in parts between which the helper puts the pid. */
function listenerParts(metadata: string, state: HookState, status: StateStatus): string[] {
  const [before, after] = stateParts(state, status);
  const head = JSON.stringify({ ociVersion: OCI_RUNTIME_VERSION, fds: ['seccompFd'] });
  const tail = metadata === '' ? '' : `"metadata":${JSON.stringify(metadata)},`;
  return [`${head.slice(0, -1)},"pid":`, `,${tail}"state":${before}`, `${after}}`];
}

interface Sets {
  readonly bounding: bigint;
  readonly effective: bigint;
  readonly permitted: bigint;
  readonly inheritable: bigint;
  readonly ambient: bigint;
}

/** What the host itself does not have cannot be granted; an ambient capability must be permitted and inheritable. */
function capabilitySets(process: Process, host: bigint): Sets {
  const sets = process.capabilities ?? {};
  for (const name of Object.values(sets).flat()) {
    if (capabilityBit(name) === undefined) {
      throw errors.invalidSpec('process.capabilities', `"${name}"`, 'there is no such capability; see capabilities(7)');
    }
  }
  const mask = (names: readonly string[] | undefined): bigint => capabilityMask(names ?? []) & host;
  const permitted = mask(sets.permitted);
  const inheritable = mask(sets.inheritable);
  return {
    bounding: mask(sets.bounding),
    effective: mask(sets.effective) & permitted,
    permitted,
    inheritable,
    ambient: mask(sets.ambient) & permitted & inheritable,
  };
}

/** Of a variable given twice the last value counts: getenv(3) would find the first. */
export function environment(process: Process, home: string): string[] {
  const byName = new Map<string, string>();
  for (const entry of process.env ?? []) {
    const name = entry.split('=', 1)[0]!;
    byName.delete(name);
    byName.set(name, entry);
  }
  if (!byName.has('HOME')) byName.set('HOME', `HOME=${home}`);
  return [...byName.values()];
}

/** Where the program may be: as given when it has a slash, else in each folder of the container's PATH. */
function execCandidates(process: Process): string[] {
  const name = process.args?.[0] ?? '';
  if (name === '')
    throw errors.invalidSpec('process.args', JSON.stringify(process.args ?? []), 'name a program to run');
  if (name.includes('/')) return [name];
  const path =
    (process.env ?? []).findLast((entry) => entry.startsWith('PATH='))?.slice('PATH='.length) ?? DEFAULT_PATH;
  return path.split(':').map((folder) => `${folder === '' ? '.' : folder}/${name}`);
}
