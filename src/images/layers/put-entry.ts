/** An entry that was read from one tree, put into another. */
import { S_IF, type TreeEntry, type Unpacker, type WalkRecord } from '#linux';

/** Puts a folder with all its attributes, whether it is there or not. */
export function putFolder(unpacker: Unpacker, entry: TreeEntry): void {
  putXattrs(unpacker, entry);
  unpacker.dir(entry.path.length === 0 ? Buffer.from('.') : entry.path, permissions(entry));
}

/** Puts what `read` gives of anything but a folder under another path; false when it gives nothing, or a folder. */
export async function putFile(unpacker: Unpacker, to: Buffer, read: AsyncIterable<WalkRecord>): Promise<boolean> {
  let isPut = false;
  for await (const record of read) {
    if (record.type === 'entry') isPut = begin(unpacker, to, record.entry);
    else if (record.type === 'data') unpacker.data(record.bytes);
    else if (record.type === 'hole') unpacker.hole(record.length);
    else if (record.type === 'end') unpacker.end();
    await unpacker.ready();
  }
  return isPut;
}

function begin(unpacker: Unpacker, to: Buffer, entry: TreeEntry): boolean {
  const type = entry.mode & S_IF.MASK;
  if (type === S_IF.DIR || type === S_IF.SOCK) return false;
  putXattrs(unpacker, entry);
  if (type === S_IF.REG) unpacker.file(to, permissions(entry), entry.size);
  else if (type === S_IF.LNK) unpacker.symlink(to, entry.target, entry);
  else unpacker.node(to, entry, entry.devMajor, entry.devMinor);
  return true;
}

function putXattrs(unpacker: Unpacker, { xattrs }: TreeEntry): void {
  for (const [name, value] of xattrs) {
    const text = name.toString('latin1');
    // Marks of overlayfs say what is hidden in a layer below, not here.
    if (/^(?:trusted|user)\.overlay\./.test(text)) continue;
    unpacker.xattr(name, value, { optional: text !== 'security.capability' });
  }
}

const permissions = (entry: TreeEntry): TreeEntry => ({ ...entry, mode: entry.mode & 0o7777 });
