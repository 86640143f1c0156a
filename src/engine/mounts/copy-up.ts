/** What an image has in a folder becomes the first content of the volume mounted there (compat: Docker's copy). */
import { posix } from 'node:path';
import { openUnpacker, resolvePath, S_IF, type TreeEntry, type Unpacker, type WalkRecord } from '#linux';
import { openRootFiles } from '../archive/container-files.ts';
import type { ContainerRecord } from '../container-record.ts';
import { errors } from '../errors.ts';
import type { EngineParts } from '../parts.ts';
import type { VolumeMountPoint } from './mount-setting.ts';

/**
 * Owners, modes, times, extended attributes, links and holes are kept. Nothing happens where the image has nothing, or the
 * volume has something. Throws `container.volumeOverFile`, and what the disk refuses.
 */
export async function copyUp(parts: EngineParts, record: ContainerRecord, point: VolumeMountPoint): Promise<void> {
  const { destination } = point.setting;
  await using files = openRootFiles(parts, record);
  const asked = Buffer.from(destination.slice(1), 'utf8').toString('latin1');
  const path = await resolvePath(asked, (each) => files.readLink(each), true);
  const entry = await files.stat(path);
  if (!entry) return;
  if (typeOf(entry) !== S_IF.DIR) throw errors.volumeOverFile(destination);
  await parts.volumes.fill(point.name, async (folder) => {
    const program = parts.runtime.helperProgram;
    await using unpacker = openUnpacker(posix.dirname(folder), { program });
    await copyTree(files.walk(path), unpacker, Buffer.from(posix.basename(folder)));
  });
}

/**
 * Into a folder of the unpacker's that is there; on the disk when it is done. With `clone` the records are without content,
 * and files are those of the folder the unpacker has as its source.
 */
export async function copyTree(
  records: AsyncIterable<WalkRecord>,
  unpacker: Unpacker,
  folder: Buffer,
  { clone }: { readonly clone: boolean } = { clone: false },
): Promise<void> {
  const at = (path: Buffer): Buffer => (path.length === 0 ? folder : Buffer.concat([folder, Buffer.from('/'), path]));
  for await (const record of records) {
    switch (record.type) {
      case 'entry':
        make(unpacker, at(record.entry.path), record.entry);
        if (clone && typeOf(record.entry) === S_IF.REG) {
          unpacker.clone(record.entry.path);
          unpacker.end();
        }
        break;
      case 'link':
        unpacker.link(at(record.entry.path), at(record.existing));
        break;
      case 'data':
        unpacker.data(record.bytes);
        break;
      case 'hole':
        unpacker.hole(record.length);
        break;
      case 'end':
        unpacker.end();
        break;
    }
    await unpacker.ready();
  }
  unpacker.sync();
  await unpacker.finish();
}

const typeOf = (entry: TreeEntry): number => entry.mode & S_IF.MASK;

function make(unpacker: Unpacker, path: Buffer, entry: TreeEntry): void {
  const { mode, uid, gid, mtimeNs, size, target, devMajor, devMinor } = entry;
  const attributes = { mode: mode & 0o7777, uid, gid, mtimeNs };
  // A socket is of the program that listens on it.
  if (typeOf(entry) === S_IF.SOCK) return;
  for (const [name, value] of entry.xattrs) {
    unpacker.xattr(name, value, { optional: name.toString() !== 'security.capability' });
  }
  switch (typeOf(entry)) {
    case S_IF.DIR:
      return unpacker.dir(path, attributes);
    case S_IF.REG:
      return unpacker.file(path, attributes, size);
    case S_IF.LNK:
      return unpacker.symlink(path, target, attributes);
    default:
      return unpacker.node(path, { ...attributes, mode }, devMajor, devMinor);
  }
}
