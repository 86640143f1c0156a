/**
 * After a killed daemon: containers it had launched, and was killed before it could note that they run. Their run folders
 * tell; the record becomes the one their start was about to write, and the rest of the restore finds them as it finds others.
 */
import { causeChain, formatTimeNs } from '#base';
import { readExitRecord } from '#runtime';
import type { ContainerRecord } from '../container-record.ts';
import { readLaunchNote } from '../launch-note.ts';
import { type EngineParts, runDirectoryOf } from '../parts.ts';
import { recordOfRun, recordToStart } from './run-record.ts';

/** Those that were launched and not noted; undefined for any other. Processes that were still held have ended afterwards. */
export async function adoptLaunched(parts: EngineParts, record: ContainerRecord): Promise<ContainerRecord | undefined> {
  const runDirectory = runDirectoryOf(parts.options, record.id);
  const note = readLaunchNote(runDirectory, record);
  if (!note || hasNotedExit(record, runDirectory)) return undefined;
  const maker = note.program ? parts.runtime.foreign(note.program) : parts.runtime;
  try {
    const process = await maker.settle(record.id, runDirectory);
    if (!process) return undefined;
    const startedAt = formatTimeNs(process.startedAtNs);
    const running = recordOfRun(recordToStart(record), { ...note, process, startedAt });
    parts.containers.put(running);
    parts.log.info('a container whose start was cut off runs', { container: record.id });
    return running;
  } catch (error) {
    parts.log.error('a start that was cut off is taken back', { container: record.id, error: causeChain(error) });
    return undefined;
  }
}

/** The folder is of a run that is noted to its end, and was about to be cleaned up. */
function hasNotedExit({ exit }: ContainerRecord, runDirectory: string): boolean {
  const ended = readExitRecord(runDirectory);
  return ended !== undefined && exit?.finishedAt === formatTimeNs(ended.timeNs);
}
