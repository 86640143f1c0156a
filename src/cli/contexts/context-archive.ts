/** A context as one file, to be carried to another machine. compat: Docker's tar of `meta.json` and `tls/ENDPOINT/FILE`. */
import { bytesOf, encodeTarEntry, shown, TAR_END, type TarEntry, tarEntry, tarPadding, TarReader } from '#wire';
import { errors } from '../errors.ts';
import { type ContextMeta, parseMeta, type TlsMaterial } from './context-store.ts';

/** compat: what Docker reads at most. */
export const LARGEST_ARCHIVE = 10 * 1024 * 1024;

export function packContext(meta: ContextMeta, tls: TlsMaterial): Buffer {
  const parts: Buffer[] = [];
  const folder = (path: string): void => void parts.push(encodeTarEntry(tarEntry(path, 'directory', { mode: 0o700 })));
  const file = (path: string, content: Buffer, mode: number): void => {
    parts.push(
      encodeTarEntry(tarEntry(path, 'file', { mode, size: content.length })),
      content,
      tarPadding(content.length),
    );
  };
  file('meta.json', Buffer.from(JSON.stringify(meta)), 0o644);
  folder('tls');
  for (const [endpoint, files] of Object.entries(tls)) {
    folder(`tls/${endpoint}`);
    for (const [name, content] of Object.entries(files)) file(`tls/${endpoint}/${name}`, content, 0o600);
  }
  return Buffer.concat([...parts, TAR_END]);
}

/** Throws `cli.invalid` for what is no context, and for paths that would lead elsewhere. */
export function unpackContext(archive: Buffer): { meta: ContextMeta; tls: TlsMaterial } {
  if (archive.subarray(0, 2).toString() === 'PK') {
    throw errors.invalid('a zip of a context is not read: give the file that context export has written');
  }
  let current: TarEntry | undefined;
  let pieces: Buffer[] = [];
  const files = new Map<string, Buffer>();
  const reader = new TarReader({
    entry: (entry) => {
      if (entry.type !== 'file' && entry.type !== 'directory') {
        throw errors.invalid(`${shown(entry.path)} in the archive is neither file nor folder`);
      }
      current = entry;
      pieces = [];
    },
    data: (bytes) => void pieces.push(Buffer.from(bytes)),
    hole: () => {
      throw errors.invalid('the archive has files with holes, which no context has');
    },
    end: () => void files.set(bytesOf(current!.path).toString(), Buffer.concat(pieces)),
  });
  reader.push(archive);
  reader.end();
  const content = files.get('meta.json');
  if (!content) throw errors.invalid('invalid context: no meta.json found');
  files.delete('meta.json');
  const tls: Record<string, Record<string, Buffer>> = {};
  for (const [path, bytes] of files) {
    const [, endpoint = '', name = ''] = /^tls\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
    if (endpoint === '' || [endpoint, name].some((part) => part === '..' || part === '.' || part.includes('\0'))) {
      throw errors.invalid(`unexpected context file: ${path}`);
    }
    tls[endpoint] = { ...tls[endpoint], [name]: bytes };
  }
  return { meta: parseMeta(content.toString('utf8'), 'meta.json'), tls };
}
