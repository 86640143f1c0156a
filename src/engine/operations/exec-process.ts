/** What the runtime is told of a further process of a container: the container's own with other arguments. */
import { mkdirSync } from 'node:fs';
import type { ExecRequest, RunningProcess } from '#runtime';
import type { Process } from '#specs';
import { tweakCapabilities } from '../capabilities.ts';
import type { ContainerRecord } from '../container-record.ts';
import type { ExecInstance, ExecSettings } from '../exec-instances.ts';
import { toOciConfig } from '../oci-config.ts';
import { cgroupsPathOf, type EngineParts, PROBE_FOLDER, runDirectoryOf } from '../parts.ts';
import { mergeEnvironment } from '../program.ts';
import { makerOf } from '../runtimes.ts';
import { seccompChoice } from '../security-options.ts';
import { resolveRecordUser } from './launch.ts';

export interface ExecWish {
  readonly execId: string;
  readonly settings: ExecSettings;
  /** See `makeExecFolder`. */
  readonly runDirectory: string;
  readonly hold: boolean;
  readonly onShim?: () => void;
}

/**
 * The folder of one process, in the container's: who ends the container takes it along. One that is made ahead has its own, for
 * it may be on its way out while the exec is started after all.
 */
export function makeExecFolder(
  parts: EngineParts,
  { id, containerId, settings }: ExecInstance,
  made: 'ahead' | 'when started',
): string {
  const name = `${settings.isProbe ? PROBE_FOLDER : 'exec-'}${id.slice(0, 16)}${made === 'ahead' ? '-ahead' : ''}`;
  const folder = `${runDirectoryOf(parts.options, containerId)}/${name}`;
  mkdirSync(folder, { mode: 0o700 });
  return folder;
}

/** Resolves when it runs, or is held. `container`: its first process, which is alive. Rejects with why it could not be started. */
export async function makeExecProcess(
  parts: EngineParts,
  record: ContainerRecord,
  container: RunningProcess,
  { execId, settings, runDirectory, hold, onShim }: ExecWish,
): Promise<RunningProcess> {
  const layer = parts.snapshots.open(record.id, record.imageId);
  const { process, namespaces, home } = execProcess(parts, record, settings, layer.folders);
  const request: ExecRequest = {
    id: record.id,
    execId,
    process,
    target: { pid: container.pid, startTime: container.startTime, namespaces },
    cgroupsPath: cgroupsPathOf(parts.options, record),
    containerDirectory: runDirectoryOf(parts.options, record.id),
    runDirectory,
    seccomp: settings.privileged
      ? { kind: 'unconfined' }
      : seccompChoice(record.settings.host, parts.settings.current.seccomp),
    home,
    stdin: settings.attach.stdin,
    hold,
    ...(onShim ? { onShim } : {}),
  };
  return await makerOf(parts, record).exec(request);
}

/** The container's own process with other arguments: its environment, rights and namespaces. */
function execProcess(parts: EngineParts, record: ContainerRecord, settings: ExecSettings, folders: readonly string[]) {
  const user = resolveRecordUser(record, folders, settings.user || record.program.user);
  const { host } = record.settings;
  const config = toOciConfig({
    record: { ...record, settings: { ...record.settings, tty: settings.tty }, mounts: [] },
    user,
    facts: parts.facts,
    cgroupVersion: parts.runtime.cgroupVersion,
    cgroupsPath: '',
    managedFiles: [],
    mountSources: { volumePath: () => '', imageOptions: () => [] },
    initProgram: '',
  });
  const privileged = settings.privileged || host.privileged;
  const names = tweakCapabilities(host.capAdd, host.capDrop, privileged, parts.facts.boundingCapabilities);
  const term = settings.tty ? ['TERM=xterm'] : [];
  const process: Process = {
    ...config.process!,
    args: settings.args,
    env: mergeEnvironment([term, record.program.env, settings.env]),
    cwd: settings.workingDirectory || record.program.workingDirectory,
    capabilities: { bounding: names, permitted: names, effective: user.uid === 0 ? names : [] },
    ...(settings.consoleSize
      ? { consoleSize: { height: settings.consoleSize.rows, width: settings.consoleSize.columns } }
      : {}),
  };
  return { process, namespaces: (config.linux?.namespaces ?? []).map(({ type }) => type), home: user.home };
}
