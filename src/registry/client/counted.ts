/** A stream that tells how many bytes of it have been taken. */
import { type Readable, Transform } from 'node:stream';

/** The same bytes; errors of the source destroy it, destroying it destroys the source. */
export function counted(source: Readable, onBytes: (bytes: number) => void): Readable {
  let bytes = 0;
  const counter = new Transform({
    transform(piece: Buffer, _, done) {
      bytes += piece.length;
      onBytes(bytes);
      done(null, piece);
    },
  });
  source.once('error', (error) => counter.destroy(error));
  counter.once('close', () => source.destroy());
  return source.pipe(counter);
}
