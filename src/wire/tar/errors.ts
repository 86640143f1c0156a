/** What the tar reader and writer refuse. Offsets are of the header, in the uncompressed archive. */
import { defineErrors } from '#base';

export const errors = defineErrors('tar', {
  empty: { kind: 'invalid', message: () => 'tar: the archive is empty' },
  notTar: { kind: 'invalid', message: () => 'tar: this is not a tar archive (the first header has a wrong checksum)' },
  header: { kind: 'invalid', message: (offset: number, what: string) => `tar: header at offset ${offset}: ${what}` },
  entry: {
    kind: 'invalid',
    message: (path: string, offset: number, what: string) => `tar: entry ${path} at offset ${offset}: ${what}`,
  },
  truncated: {
    kind: 'invalid',
    message: (where: string, offset: number) =>
      `tar: the archive is truncated: it ends in ${where} at offset ${offset}`,
  },
  unwritable: { kind: 'invalid', message: (what: string) => `tar: cannot be written: ${what}` },
});
