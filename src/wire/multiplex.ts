/** Docker's multiplexed streams: frames of one stream type byte, three zeros, a big-endian length, and the bytes. */

export const streamNumber = { stdin: 0, stdout: 1, stderr: 2 } as const;

/** One frame. */
export function frame(stream: 'stdout' | 'stderr', data: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(8 + data.length);
  framed.writeUInt32BE(streamNumber[stream] << 24, 0);
  framed.writeUInt32BE(data.length, 4);
  framed.set(data, 8);
  return framed;
}

/** Cuts a multiplexed stream into its pieces; a piece is handed on as soon as some of it is there. */
export class Demultiplexer {
  #head: Buffer = Buffer.alloc(0);
  #left = 0;
  #stream: 'stdout' | 'stderr' = 'stdout';

  /** Calls `write` for each piece in these bytes. Throws on a stream number nobody uses. */
  push(chunk: Buffer, write: (stream: 'stdout' | 'stderr', data: Buffer) => void): void {
    let data = chunk;
    while (data.length > 0) {
      if (this.#left === 0) {
        const missing = 8 - this.#head.length;
        this.#head = Buffer.concat([this.#head, data.subarray(0, missing)]);
        data = data.subarray(missing);
        if (this.#head.length < 8) return;
        this.#stream = streamOf(this.#head[0]!);
        this.#left = this.#head.readUInt32BE(4);
        this.#head = Buffer.alloc(0);
        continue;
      }
      const piece = data.subarray(0, this.#left);
      this.#left -= piece.length;
      data = data.subarray(piece.length);
      write(this.#stream, piece);
    }
  }
}

function streamOf(number: number): 'stdout' | 'stderr' {
  if (number === streamNumber.stderr) return 'stderr';
  if (number === streamNumber.stdout || number === streamNumber.stdin) return 'stdout';
  throw new Error(`unrecognized stream: ${number}`);
}
