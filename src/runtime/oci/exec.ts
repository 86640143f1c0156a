/** One more process in a running container: who it is, and starting it. */
import { posix } from 'node:path';
import { openCgroup, type PlanRun, readCgroupHost, readHostFacts, runPlan } from '#linux';
import type { NamespaceType, Process } from '#specs';
import { errors } from '../errors.ts';
import { failureError } from '../failure.ts';
import { encodePlan } from '../plan/encode.ts';
import { compileExec } from '../plan/exec.ts';
import type { CgroupPlacement } from '../plan/input.ts';
import { writePidFile } from './create.ts';
import { checkConsole, homeOf, inheritedFds, seccompInput } from './input.ts';
import type { ContainerState } from './state.ts';

export interface ExecRequest {
  readonly process: Process;
  readonly consoleSocket?: string;
  readonly pidFile?: string;
  readonly preserveFds: number;
  /** `[CONTROLLER:]CGROUP`, relative to the container's own. */
  readonly subCgroups: readonly string[];
  readonly foreground?: { readonly subreaper: boolean };
}

/** Resolves when the program runs. Throws why it could not. */
export async function execInContainer(state: ContainerState, request: ExecRequest): Promise<PlanRun> {
  const terminal = request.process.terminal ?? false;
  checkConsole(terminal, !request.foreground, request.consoleSocket);
  const inherited = inheritedFds(request.preserveFds);
  const process: Process = { ...request.process, env: [...(request.process.env ?? []), ...inherited.env] };
  const facts = readHostFacts();
  const { config, life } = state;
  const namespaces = (config.linux?.namespaces ?? []).map(({ type }): NamespaceType => type);
  const target = {
    pid: life.pid,
    startTime: BigInt(life.startTime),
    namespaces,
    ...(config.annotations && { annotations: config.annotations }),
  };
  const plan = compileExec(process, target, {
    id: state.id,
    bundle: state.bundle,
    facts,
    cgroup: placementOf(state, request.subCgroups),
    streams: {
      stdio: 'inherit',
      console:
        request.consoleSocket === undefined
          ? { to: 'parent' }
          : { to: 'socket', path: posix.resolve(request.consoleSocket) },
    },
    hold: { by: 'nobody' },
    ...seccompInput(config.linux?.seccomp, facts),
    home: homeOf(process, state.rootfs),
    preserveFds: inherited.preserveFds,
    unprivileged: globalThis.process.getuid?.() !== 0,
    noPivot: false,
    noNewKeyring: state.noNewKeyring,
  });
  const foreground = request.foreground && { tty: terminal, subreaper: request.foreground.subreaper };
  const run = runPlan({
    plan: encodePlan(plan),
    preserveFds: inherited.preserveFds,
    ...(foreground && { foreground }),
  });
  const ready = await run.ready;
  if (ready.type === 'failed') throw failureError(plan, process.args ?? [], ready);
  if (request.pidFile !== undefined) writePidFile(request.pidFile, ready.pid);
  if (!foreground) await run.ended;
  return run;
}

/** The container's cgroups, or folders below them that must exist. Throws `runtime.usage`. */
function placementOf(state: ContainerState, subCgroups: readonly string[]): CgroupPlacement {
  if (state.cgroupsPath === undefined) {
    if (subCgroups.length > 0) throw errors.usage('--cgroup needs a container with a cgroup');
    return { tasks: [], hierarchies: [] };
  }
  const { deviceProgram: _, ...placement } = openCgroup(state.cgroupsPath, readCgroupHost()).placement({});
  if (subCgroups.length === 0) return placement;
  const below = subCgroups.map(parseSubCgroup);
  for (const { controllers, path } of below) {
    const names = placement.hierarchies.flatMap(({ name }) => name.split(','));
    const unknown = controllers.find((name) => !names.includes(name));
    if (unknown !== undefined) throw errors.usage(`--cgroup ${unknown}:${path}: this host has no such controller`);
  }
  const folderIn = (folder: string, names: readonly string[]): string => {
    const found = below.find(
      ({ controllers }) => controllers.length === 0 || controllers.some((c) => names.includes(c)),
    );
    return found ? posix.join(folder, found.path) : folder;
  };
  const hierarchies = placement.hierarchies.map((one) => ({
    ...one,
    folder: folderIn(one.folder, one.name.split(',')),
  }));
  return {
    tasks: placement.tasks.length === 0 ? [] : hierarchies.map(({ folder }) => `${folder}/tasks`),
    ...(placement.folder !== undefined && { folder: folderIn(placement.folder, []) }),
    hierarchies,
  };
}

function parseSubCgroup(text: string): { controllers: string[]; path: string } {
  const colon = text.indexOf(':');
  const path = posix.normalize(`/${text.slice(colon + 1)}`);
  if (
    text
      .slice(colon + 1)
      .split('/')
      .includes('..')
  )
    throw errors.usage(`--cgroup ${text}: '..' leads out of the container`);
  return { controllers: colon < 0 ? [] : text.slice(0, colon).split(','), path };
}
