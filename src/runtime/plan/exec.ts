/** One more process in a running container: join its namespaces through its pidfd, then become the process. */
import type { NamespaceType, Process } from '#specs';
import { CLONE, O } from '#linux';
import type { CompileInput } from './input.ts';
import { joinFlags } from './namespaces.ts';
import { NONE, type Op, opFlags, type Plan } from './op.ts';
import { keyring, planAffinity, planEarlyProcess, planIdentity, planLabels } from './process.ts';
import { slotAllocator } from './slots.ts';
import { planTerminal } from './terminal.ts';

export interface ExecTarget {
  /** The container's first process, checked against its start time (field 22 of /proc/PID/stat). */
  readonly pid: number;
  readonly startTime: bigint;
  /** The namespaces the container does not share with the host. */
  readonly namespaces: readonly NamespaceType[];
  /** Of the container, for a listener of its filter. */
  readonly annotations?: Readonly<Record<string, string>>;
}

const JOINED = 1;

/** Compiles an exec. `input.cgroup` places the process; hooks, mounts and devices do not apply. */
export function compileExec(process: Process, target: ExecTarget, input: CompileInput): Plan {
  const slots = slotAllocator();
  const container = slots.next();
  const flags = joinFlags(target.namespaces);
  // kernel: joining a pid or time namespace takes effect for the children of the caller only.
  let parentFlags = flags & (CLONE.NEWPID | CLONE.NEWTIME);
  const childFlags = flags & ~parentFlags;
  // Without rights on the host those over the container's namespaces come from its user namespace, which is joined first.
  const userFirst = input.unprivileged === true && target.namespaces.includes('user');
  if (userFirst) parentFlags |= CLONE.NEWUSER;
  const parent: Op[] = [{ op: 'pidfdOpen', slot: container, pid: target.pid, startTime: target.startTime }];
  if (parentFlags !== 0) parent.push({ op: 'setns', slot: container, path: '', kind: parentFlags });

  const child: Op[] = [{ op: 'wait', number: JOINED }];
  for (const path of input.cgroup.tasks) {
    child.push({ op: 'writeFile', at: NONE, path, data: '0', openFlags: O.WRONLY, mode: 0 });
  }
  if (!input.noNewKeyring) child.push(keyring(input.id));
  child.push(...planEarlyProcess(process, {}), { op: 'setsid' });
  if (childFlags !== 0) child.push({ op: 'setns', slot: container, path: '', kind: childFlags });
  if (target.namespaces.includes('user')) {
    if (!userFirst) child.push({ op: 'setns', slot: container, path: '', kind: CLONE.NEWUSER });
    const flags = input.unprivileged ? opFlags.noSetgroups : 0;
    child.push({ op: 'user', opFlags: flags, uid: 0, gid: 0, groups: [] });
  }
  child.push(...planTerminal(process, input, false, slots, parent), ...planLabels(process, input));
  const state = { id: input.id, bundle: input.bundle, annotations: target.annotations ?? {} };
  const identity = {
    process,
    input,
    slots,
    parent,
    noSetgroups: input.unprivileged === true,
    state,
    status: 'running',
  } as const;
  child.push(...planIdentity(identity, []));

  const { initial, final } = process.execCPUAffinity ?? {};
  // spec: config.md, "execCPUAffinity": `initial` holds while the process moves, `final` once it is in its cgroup.
  parent.unshift(...planAffinity(initial, 'process.execCPUAffinity.initial'));
  child.splice(1 + input.cgroup.tasks.length, 0, ...planAffinity(final, 'process.execCPUAffinity.final'));

  let cgroup = NONE;
  if (input.cgroup.folder !== undefined) {
    cgroup = slots.next();
    const openFlags = O.PATH | O.DIRECTORY | O.CLOEXEC;
    parent.push({ op: 'open', slot: cgroup, at: NONE, path: input.cgroup.folder, openFlags, mode: 0, resolve: 0 });
  }
  parent.push({ op: 'clone', flags: 0, cgroup }, { op: 'post', number: JOINED });
  return { parent, child };
}
