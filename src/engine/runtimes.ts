/** `--runtime`: which runtime makes a container's processes, our own or one the operator has added. */
import type { ProcessMaker, RuntimeProgram } from '#runtime';
import type { ContainerRecord } from './container-record.ts';
import type { HostSettings } from './container-settings.ts';
import type { DaemonSettings } from './daemon-settings.ts';
import { errors } from './errors.ts';
import type { EngineParts } from './parts.ts';

/** What our own is called. */
export const OWN_RUNTIME = 'skiff';

/** compat: clients and files say runc where they mean the engine's own; an operator may give that name to another. */
const OTHER_NAME = 'runc';

type Runtimes = Pick<DaemonSettings, 'runtimes'>;

/** Whether there is a runtime of this name. */
export function isRuntime({ runtimes }: Runtimes, name: string): boolean {
  return name === OWN_RUNTIME || name === OTHER_NAME || Object.hasOwn(runtimes, name);
}

/** The name of the runtime a new container has; empty is the daemon's default. Throws `container.unknownRuntime`. */
export function settleRuntime(settings: DaemonSettings, wished: string): string {
  const name = wished === '' ? settings.defaultRuntime : wished;
  if (!isRuntime(settings, name)) throw errors.unknownRuntime(name);
  return ownName(settings, name);
}

/** The name to show of one that may be ours by its other name. */
export function ownName({ runtimes }: Runtimes, name: string): string {
  return name === OTHER_NAME && !Object.hasOwn(runtimes, name) ? OWN_RUNTIME : name;
}

/** What a container is to be started with; undefined is our own. Throws `container.unknownRuntime`. */
export function programFor({ settings }: EngineParts, record: ContainerRecord): RuntimeProgram | undefined {
  const name = settleRuntime(settings.current, runtimeNameOf(record.settings.host));
  const added = settings.current.runtimes[name];
  return name === OWN_RUNTIME || added === undefined ? undefined : { name, ...added };
}

/** Records of versions with one runtime name none. */
export const runtimeNameOf = ({ runtime = OWN_RUNTIME }: Pick<HostSettings, 'runtime'>): string => runtime;

/** What has made the processes of a container, whatever the configuration says by now. */
export function makerOf({ runtime }: EngineParts, { process }: ContainerRecord): ProcessMaker {
  return process?.runtime ? runtime.foreign(process.runtime) : runtime;
}

/** Ends what a runtime keeps of a container without processes, also of one whose start was cut off. Never throws. */
export async function forgetRun(parts: EngineParts, record: ContainerRecord, runDirectory: string): Promise<void> {
  const program = record.process ? record.process.runtime : knownProgram(parts, record);
  if (program) await parts.runtime.foreign(program).forget(record.id, runDirectory);
}

/** One whose runtime is not in the configuration any more cannot have been started with it since. */
function knownProgram(parts: EngineParts, record: ContainerRecord): RuntimeProgram | undefined {
  return isRuntime(parts.settings.current, runtimeNameOf(record.settings.host)) ? programFor(parts, record) : undefined;
}
