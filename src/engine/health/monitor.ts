/** Watches the health of running containers: one loop each, from its start to its end. */
import { readdirSync, rmSync } from 'node:fs';
import { setTimeout as after } from 'node:timers/promises';
import { causeChain, waitMs } from '#base';
import { SIGKILL } from '#linux';
import { readPidRecord } from '#runtime';
import type { ContainerRecord } from '../container-record.ts';
import { cgroupsPathOf, type EngineParts, eventAttributes, PROBE_FOLDER, runDirectoryOf } from '../parts.ts';
import { type Health, healthAfter, healthAtEnd, type Probe, probeDelayMs, probeOf } from './healthcheck.ts';
import { runProbe } from './probe.ts';

/** A paused container is not probed; this often it is looked whether it goes on. */
const PAUSED_LOOK_MS = 1000;

/** The probe a container's record asks for. */
export function probeOfRecord({ program }: ContainerRecord): Probe | undefined {
  return probeOf(program.healthcheck, program.shell ?? []);
}

/** Begins to watch a container that runs and has a check. `stopMonitor` ends it. */
export function startMonitor(parts: EngineParts, id: string): void {
  stopMonitor(parts, id);
  const record = parts.containers.get(id);
  const probe = record && probeOfRecord(record);
  if (!probe) return;
  const controller = new AbortController();
  parts.healthMonitors.set(id, controller);
  watch(parts, id, probe, controller.signal).catch((error: unknown) => {
    if (!controller.signal.aborted) {
      parts.log.error('watching the health of a container failed', { container: id, error: causeChain(error) });
    }
  });
}

export function stopMonitor(parts: EngineParts, id: string): void {
  parts.healthMonitors.get(id)?.abort();
  parts.healthMonitors.delete(id);
}

/** The daemon stops. Containers may go on, unwatched until the next. */
export function stopAllMonitors(parts: EngineParts): void {
  for (const id of [...parts.healthMonitors.keys()]) stopMonitor(parts, id);
}

/** What the health of a container is once it has ended. */
export function endedHealth({ health }: ContainerRecord): { health?: Health } {
  return health ? { health: healthAtEnd(health) } : {};
}

/** Probes a killed daemon left running: nobody would ever read their results. */
export async function killLeftProbes(parts: EngineParts, record: ContainerRecord): Promise<void> {
  const folder = runDirectoryOf(parts.options, record.id);
  for (const name of readdirSync(folder).filter((each) => each.startsWith(PROBE_FOLDER))) {
    const left = readPidRecord(`${folder}/${name}`);
    if (left) await parts.runtime.signalSession(cgroupsPathOf(parts.options, record), left.pid, SIGKILL);
    rmSync(`${folder}/${name}`, { recursive: true, force: true });
  }
}

async function watch(parts: EngineParts, id: string, probe: Probe, signal: AbortSignal): Promise<void> {
  for (;;) {
    const before = parts.containers.get(id);
    if (!before?.health) return;
    if (!(await waitMs(probeDelayMs(probe, before.health.status, sinceStartMs(before)), signal))) return;
    let record = parts.containers.get(id);
    while (record?.status === 'paused') {
      await after(PAUSED_LOOK_MS, undefined, { signal });
      record = parts.containers.get(id);
    }
    if (record?.status !== 'running') return;
    const begun = sinceStartMs(record);
    const result = await runProbe(parts, record, probe, signal);
    const now = parts.containers.get(id);
    if (signal.aborted || !now?.health || (now.status !== 'running' && now.status !== 'paused')) return;
    const health = healthAfter(now.health, result, probe, begun);
    const changed = { ...now, health };
    parts.containers.put(changed);
    if (health.status === now.health.status) continue;
    parts.events.emit('container', `health_status: ${health.status}`, id, eventAttributes(changed));
  }
}

function sinceStartMs({ startedAt }: ContainerRecord): number {
  return Date.now() - Date.parse(startedAt ?? '');
}
