/** An archive as lines of text, one for each entry, for comparisons. */
import { createHash } from 'node:crypto';
import { type TarEntry, TarReader } from '#wire';

/** What is told of an entry besides its name, kind, rights and device: its times, its link, its content. */
export type EntryDetails = (entry: TarEntry, sha256: string) => readonly string[];

/** Takes the bytes of an archive piece by piece. */
export class TarLines {
  readonly #lines: string[] = [];
  readonly #reader: TarReader;

  constructor(details: EntryDetails) {
    let entry: TarEntry | undefined;
    let hash = createHash('sha256');
    const tell = (sha256: string): void => {
      const { path, type, mode, uid, gid, devMajor, devMinor } = entry!;
      const what = [path, type, mode.toString(8), uid, gid, devMajor, devMinor];
      this.#lines.push([...what, ...details(entry!, sha256)].join(' '));
    };
    this.#reader = new TarReader({
      entry: (found) => {
        entry = found;
        hash = createHash('sha256');
        if (found.type !== 'file') tell('');
      },
      data: (bytes) => void hash.update(bytes),
      hole: (length) => void hash.update(Buffer.alloc(length)),
      end: () => tell(hash.digest('hex')),
    });
  }

  push(bytes: Buffer): void {
    this.#reader.push(bytes);
  }

  /** The archive has ended: its lines, sorted. */
  end(): string[] {
    this.#reader.end();
    return this.#lines.sort();
  }
}
