/**
 * Looks into a tree, a folder or the overlay of several, through the native helper: nothing is mounted where others see
 * it, no symlink is followed, and the order does not depend on the file system.
 */
import type { ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { BytesWriter, SyscallError } from '#base';
import { errnoName } from './errno-name.ts';
import { type HelperTree, spawnPack } from './helper-modes.ts';
import {
  PACK_CONTENT,
  PACK_SKIP_KERNEL,
  packRequest,
  type TreeEntry,
  type TreeRecord,
  TreeRecordSplitter,
} from './tree-records.ts';

export type WalkRecord = Exclude<TreeRecord, { readonly type: 'missing' | 'done' }>;

export interface WalkOptions {
  readonly content: boolean;
  readonly path?: Buffer;
  /** Of /proc, /sys and the like only the folder itself. */
  readonly skipKernel?: boolean;
}

/** One request at a time: read an answer to its end, or dispose the reader. */
export interface TreeReader extends AsyncDisposable {
  /**
   * All entries of the tree, or of the folder `path` (relative, no symlink on the way is followed), itself first, names in byte order, a folder before what is in it. With `content` a file's
   * follows it, adding up to its size: `data` and `hole`, then `end`. What vanishes meanwhile is left out.
   */
  walk(options: WalkOptions): AsyncGenerator<WalkRecord>;
  /** Undefined where there is none. */
  stat(path: Buffer): Promise<TreeEntry | undefined>;
  /** An entry, and a file's content; nothing where there is none. */
  read(path: Buffer): AsyncGenerator<WalkRecord>;
}

/** Starts the helper. Its failures reject the requests with a `SyscallError`. */
export function openTreeReader(tree: HelperTree, options: { readonly program?: string } = {}): TreeReader {
  return new HelperTreeReader(tree, options.program);
}

class HelperTreeReader implements TreeReader {
  readonly #tree: HelperTree;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #closed: Promise<string>;
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #splitter = new TreeRecordSplitter();
  #isRunning = true;

  constructor(tree: HelperTree, program: string | undefined) {
    this.#tree = tree;
    this.#child = spawnPack(tree, program);
    this.#child.stdin.on('error', () => {});
    this.#chunks = this.#child.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.#closed = promise;
    const end = (how: string): void => {
      this.#isRunning = false;
      resolve(how);
    };
    this.#child.once('error', (error) => end(error.message));
    this.#child.once('exit', (code, signal) => end(signal ?? `status ${code}`));
  }

  walk({ content, path, skipKernel = false }: WalkOptions): AsyncGenerator<WalkRecord> {
    const flags = (content ? PACK_CONTENT : 0) | (skipKernel ? PACK_SKIP_KERNEL : 0);
    return this.#answer(packRequest.walk, flags, path !== undefined && path.length > 0 ? path : undefined);
  }

  async stat(path: Buffer): Promise<TreeEntry | undefined> {
    let found: TreeEntry | undefined;
    for await (const record of this.#answer(packRequest.stat, 0, path)) {
      if (record.type === 'entry') found = record.entry;
    }
    return found;
  }

  read(path: Buffer): AsyncGenerator<WalkRecord> {
    return this.#answer(packRequest.stat, PACK_CONTENT, path);
  }

  /** Ends the helper, wherever it is. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isRunning) this.#child.kill('SIGKILL');
    await this.#closed;
    this.#child.stdout.destroy();
  }

  async *#answer(kind: number, flags: number, path: Buffer | undefined): AsyncGenerator<WalkRecord> {
    const request = new BytesWriter(64).u16(kind).u16(flags).u32(0);
    if (path) request.bytes(path);
    request.patchU32(4, request.length - 8);
    this.#child.stdin.write(request.done());
    for (;;) {
      const next = await this.#chunks.next();
      if (next.done === true) throw await this.#lost();
      for (const record of this.#splitter.push(next.value)) {
        if (record.type === 'done') {
          if (record.errno === 0) return;
          throw new SyscallError(`reading ${this.#tree.folder}`, errnoName(record.errno), record.detail);
        }
        if (record.type !== 'missing') yield record;
      }
    }
  }

  async #lost(): Promise<Error> {
    return new Error(`the native helper ended (${await this.#closed}) while it was reading ${this.#tree.folder}`);
  }
}
