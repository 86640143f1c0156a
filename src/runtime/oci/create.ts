/**
 * Creates a container from a bundle: folder, cgroup, plan, process that waits to be started, pid file, state.
 * On failure everything is taken back.
 */
import { posix } from 'node:path';
import { messageOf, SkiffError, SyscallError, writeFileAtomic } from '#base';
import { type Cgroup, openCgroup, type PlanRun, readCgroupHost, readHostFacts, readProcessStat, runPlan } from '#linux';
import type { RuntimeConfig } from '#specs';
import { failureError } from '../failure.ts';
import { compilePlan } from '../plan/compile.ts';
import { encodePlan } from '../plan/encode.ts';
import type { CgroupPlacement, Streams } from '../plan/input.ts';
import { type Bundle, hasNamespace, readBundle } from './bundle.ts';
import type { OciContext } from './context.ts';
import { cgroupsPathOf, checkConsole, homeOf, inheritedFds, seccompInput, withDeviceRules } from './input.ts';
import { claimFolder, type ContainerState, removeFolder, saveState, startSocket } from './state.ts';

export interface CreateRequest {
  readonly id: string;
  readonly bundle: string;
  readonly consoleSocket?: string;
  readonly pidFile?: string;
  readonly noPivot: boolean;
  readonly noNewKeyring: boolean;
  readonly preserveFds: number;
  /** Stay as the parent of the container. */
  readonly foreground?: { readonly subreaper: boolean };
}

export interface CreatedContainer {
  readonly folder: string;
  readonly state: ContainerState;
  readonly run: PlanRun;
}

/** Throws what was wrong with the bundle or the host; nothing is left then. */
export async function createContainer(context: OciContext, request: CreateRequest): Promise<CreatedContainer> {
  const bundle = readBundle(request.bundle);
  const terminal = bundle.config.process?.terminal ?? false;
  checkConsole(terminal, !request.foreground, request.consoleSocket);
  if ((bundle.config.mounts ?? []).length > 0 && !hasNamespace(bundle.config, 'mount')) {
    context.warn('linux.namespaces has no mount namespace: the mounts of the config are not made');
  }
  const inherited = inheritedFds(request.preserveFds);
  await using undo = new AsyncDisposableStack();
  const folder = claimFolder(context.root, request.id);
  undo.defer(() => removeFolder(folder));
  const halfMade = newState(bundle, request.id, context.systemdCgroup);
  saveState(folder, halfMade);

  const resources = withDeviceRules(bundle.config.linux?.resources ?? {});
  const cgroup = openCgroup(halfMade.cgroupsPath!, readCgroupHost());
  const hasCgroup = makeCgroup(context, cgroup, () => cgroup.create(resources));
  if (hasCgroup) {
    undo.defer(async () => {
      await cgroup.kill();
      await cgroup.remove();
    });
  }
  const placement = hasCgroup ? cgroup.placement(resources) : { tasks: [], hierarchies: [] };
  const plan = compileFor(bundle, request, {
    folder,
    placement,
    env: inherited.env,
    preserveFds: inherited.preserveFds,
  });
  const foreground = request.foreground && { tty: terminal, subreaper: request.foreground.subreaper };
  const run = runPlan({
    plan: encodePlan(plan),
    preserveFds: inherited.preserveFds,
    ...(foreground && { foreground }),
  });
  const ready = await run.ready;
  if (ready.type === 'failed') throw failureError(plan, bundle.config.process?.args ?? [], ready);
  undo.defer(() => killProcess(ready.pid, ready.startTime));
  // Detached, the helper ends now: the container's parent then is whoever adopts orphans here.
  if (!foreground) await run.ended;

  const { cgroupsPath, ...rest } = halfMade;
  const state: ContainerState = {
    ...rest,
    ...(hasCgroup && cgroupsPath !== undefined && { cgroupsPath }),
    noNewKeyring: request.noNewKeyring,
    life: { phase: 'created', pid: ready.pid, startTime: String(ready.startTime) },
  };
  saveState(folder, state);
  if (request.pidFile !== undefined) writePidFile(request.pidFile, ready.pid);
  undo.move();
  return { folder, state, run };
}

/** Atomic, so that who waits for the file never reads half a number; relative paths are from the working folder. */
export function writePidFile(path: string, pid: number): void {
  writeFileAtomic(posix.resolve(path), String(pid), { mode: 0o666 });
}

function newState({ path, rootfs, config }: Bundle, id: string, systemd: boolean): ContainerState {
  return {
    version: 1,
    id,
    bundle: path,
    rootfs,
    config,
    cgroupsPath: cgroupsPathOf(config, id, systemd),
    created: new Date().toISOString(),
    ownerUid: process.getuid?.() ?? 0,
    noNewKeyring: false,
    life: { phase: 'creating', pid: process.pid, startTime: String(readProcessStat(process.pid)?.startTime) },
  };
}

/** compat: like runc, a rootless container lives without cgroup where it may not make one; limits would not hold, though. */
function makeCgroup({ rootless, warn }: OciContext, cgroup: Cgroup, create: () => void): boolean {
  try {
    create();
    return true;
  } catch (error) {
    if (!rootless || !isPermission(error)) throw error;
    warn(`no cgroup ${cgroup.path} for this container: ${messageOf(error)}`);
    return false;
  }
}

function isPermission(error: unknown): boolean {
  const inner = error instanceof SkiffError ? error.cause : error;
  return inner instanceof SyscallError && ['EACCES', 'EPERM', 'EROFS'].includes(inner.errno);
}

interface CompileFor {
  readonly folder: string;
  readonly placement: CgroupPlacement;
  readonly env: readonly string[];
  readonly preserveFds: number;
}

function compileFor(bundle: Bundle, request: CreateRequest, { folder, placement, env, preserveFds }: CompileFor) {
  const facts = readHostFacts();
  const own = bundle.config.process!;
  const config: RuntimeConfig = { ...bundle.config, process: { ...own, env: [...(own.env ?? []), ...env] } };
  const console: Streams['console'] =
    request.consoleSocket === undefined
      ? { to: 'parent' }
      : { to: 'socket', path: posix.resolve(request.consoleSocket) };
  return compilePlan(config, {
    id: request.id,
    bundle: bundle.path,
    facts,
    cgroup: placement,
    streams: { stdio: 'inherit', console },
    hold: { by: 'socket', path: startSocket(folder) },
    ...seccompInput(config.linux?.seccomp, facts),
    home: homeOf(own, bundle.rootfs),
    preserveFds,
    unprivileged: globalThis.process.getuid?.() !== 0,
    noPivot: request.noPivot,
    noNewKeyring: request.noNewKeyring,
    makeCwd: { uid: 0, gid: 0 },
  });
}

function killProcess(pid: number, startTime: bigint): void {
  if (readProcessStat(pid)?.startTime === startTime) process.kill(pid, 'SIGKILL');
}
