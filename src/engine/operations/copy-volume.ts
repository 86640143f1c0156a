/** What Docker has not: a volume's copy, whose blocks are shared where the file system can, and another name for it. */
import { closeSync, openSync, constants } from 'node:fs';
import { posix } from 'node:path';
import { openTreeReader, openUnpacker } from '#linux';
import type { VolumeRecord } from '#volumes';
import type { Status } from '../lifecycle.ts';
import { copyTree } from '../mounts/copy-up.ts';
import { holdersOf } from '../mounts/mount-point.ts';
import { cgroupsPathOf, type EngineParts } from '../parts.ts';

export interface CopyVolume {
  /** Of the new one. */
  readonly name: string;
  /** Besides those of the other. */
  readonly labels: Readonly<Record<string, string>>;
  /** Freeze the containers that run with it meanwhile, so that what is copied belongs together. */
  readonly pause: boolean;
}

/** Marks the copy of a volume as it was at a time, and of which. */
export const SNAPSHOT_LABEL = 'skiff.snapshot.of';

/** Owners, modes, times, extended attributes, links and holes are kept. Throws what `Volumes.copy` refuses. */
export async function copyVolume(parts: EngineParts, from: string, copy: CopyVolume): Promise<VolumeRecord> {
  const record = await parts.volumes.copy(from, copy, async (folder) => {
    await using _thawed = await frozen(parts, copy.pause ? from : undefined);
    await cloneTree(parts, parts.volumes.pathOf(from), folder);
  });
  parts.events.emit('volume', 'create', record.name, { driver: record.driver });
  return record;
}

/** Throws what `Volumes.rename` refuses. */
export async function renameVolume(parts: EngineParts, from: string, to: string): Promise<VolumeRecord> {
  const record = await parts.volumes.rename(from, to, () => holdersOf(parts.containers.list(), from));
  parts.events.emit('volume', 'rename', to, { driver: record.driver, oldName: from });
  return record;
}

/** `data-20261127T034500Z`. */
export function snapshotName(volume: string, nowNs: bigint): string {
  const time = new Date(Number(nowNs / 1_000_000n)).toISOString();
  return `${volume}-${time.replace(/[-:]|\.\d+/g, '')}`;
}

async function cloneTree({ runtime }: EngineParts, from: string, to: string): Promise<void> {
  const program = runtime.helperProgram;
  const source = openSync(from, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await using reader = openTreeReader({ folder: from }, { program });
    await using unpacker = openUnpacker(posix.dirname(to), { program, source });
    await copyTree(reader.walk({ content: false }), unpacker, Buffer.from(posix.basename(to)), { clone: true });
  } finally {
    closeSync(source);
  }
}

/** The containers that run with a volume, until it is disposed. Paused ones stay as they are. */
async function frozen(parts: EngineParts, volume: string | undefined): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const statusOf = (id: string): Status | undefined => parts.containers.get(id)?.status;
  for (const id of volume === undefined ? [] : holdersOf(parts.containers.list(), volume)) {
    const record = parts.containers.get(id);
    if (record?.status !== 'running') continue;
    const path = cgroupsPathOf(parts.options, record);
    stack.defer(() => {
      // Somebody may have ended or paused it meanwhile.
      if (statusOf(id) === 'running') parts.runtime.thaw(path);
    });
    try {
      await parts.runtime.freeze(path);
    } catch (error) {
      if (statusOf(id) === 'running') throw error;
    }
  }
  return stack.move();
}
