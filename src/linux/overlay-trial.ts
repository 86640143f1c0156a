/** Whether a file system can carry an overlay: tried, because no list of file systems and kernels would be right. */
import { mkdirSync, rmSync } from 'node:fs';
import { BytesReader, BytesWriter } from '#base';
import { errnoName } from './errno-name.ts';
import { runHelper } from './helper-modes.ts';
import { unpackRecord } from './unpacker.ts';

/**
 * Makes in the folder what layers are made of (a 0:0 device, a folder with the mark of an opaque one) and mounts an
 * overlay with an upper folder there, which nobody sees. Undefined when all that works, else what does not.
 */
export function overlayFault(folder: string, options: readonly string[], program?: string): string | undefined {
  const trial = `${folder}/overlay-trial`;
  rmSync(trial, { recursive: true, force: true });
  for (const name of ['lower', 'other', 'upper', 'work']) mkdirSync(`${trial}/${name}`, { recursive: true });
  try {
    const made = runHelper(['unpack', `${trial}/lower`], marks(), program);
    const fault = faultIn(made.said, made.how, 8);
    if (fault !== undefined) return `the marks of overlayfs cannot be made in ${folder}: ${fault}`;
    const where = [`lowerdir=${trial}/lower:${trial}/other`, `upperdir=${trial}/upper`, `workdir=${trial}/work`];
    const mounted = runHelper(['pack', `${trial}/lower`, ...where, ...options], Buffer.alloc(0), program);
    if (mounted.how === 'exit code 0') return undefined;
    return `an overlay cannot be mounted on ${folder}: ${faultIn(mounted.said.subarray(8), mounted.how, 4) ?? mounted.how}`;
  } finally {
    rmSync(trial, { recursive: true, force: true });
  }
}

/** The stream for the helper's mode `unpack`. */
function marks(): Buffer {
  const writer = new BytesWriter();
  const record = (kind: number, write: () => unknown): void => {
    writer.u16(kind).u16(0).u32(0);
    const start = writer.length;
    write();
    writer.patchU32(start - 4, writer.length - start);
  };
  const name = Buffer.from('trusted.overlay.opaque');
  record(unpackRecord.xattr, () => writer.bytes(name).bytes('y'));
  record(unpackRecord.dir, () => writer.bytes('opaque').u32(0o755).u32(0).u32(0).u64(0).u32(0));
  record(unpackRecord.node, () => writer.bytes('gone').u32(0o020000).u32(0).u32(0).u32(0).u32(0).u64(0).u32(0));
  return writer.done();
}

/** What a report (u32 errno, …, bytes detail) says; undefined for well. */
function faultIn(report: Buffer, how: string, detailAt: number): string | undefined {
  if (report.length < detailAt + 5) return how;
  const errno = report.readUInt32LE(0);
  if (errno === 0) return undefined;
  return `${new BytesReader(report.subarray(detailAt)).string()}: ${errnoName(errno)}`;
}
