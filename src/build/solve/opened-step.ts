/** What a step gave, held for whoever wants to look into it. */
import { posix } from 'node:path';
import { resolvePath } from '#linux';
import { errors } from '../errors.ts';
import { isFile, readLink, type SourceTree, stackTree } from '../files/source-tree.ts';
import type { StepId } from '../graph.ts';
import type { BuildParts } from '../parts.ts';
import type { Solved } from './solver.ts';

export interface OpenedStep extends AsyncDisposable {
  /** When a source says it was made. */
  readonly timeNs: bigint | undefined;
  /** A file's content, links followed inside; undefined when there is none. Throws `build.badContext` above the limit. */
  read(path: string, limitBytes: number): Promise<Buffer | undefined>;
}

/** Takes over what was solved. */
export function openedStep({ layers, facts, runtime }: BuildParts, solved: Solved, step: StepId): OpenedStep {
  const result = solved.resultOf(step);
  const keys = result?.kind === 'snapshot' ? result.layers : [];
  const folders = layers.folders(keys);
  return {
    timeNs: result?.kind === 'snapshot' ? result.timeNs : undefined,
    read: async (path, limitBytes) => {
      await using tree = stackTree({ folders, facts, helperProgram: runtime.helperProgram });
      return await read(tree, path, limitBytes);
    },
    [Symbol.asyncDispose]: () => solved[Symbol.asyncDispose](),
  };
}

async function read(tree: SourceTree, path: string, limitBytes: number): Promise<Buffer | undefined> {
  const bytes = Buffer.from(posix.normalize(`/${path}`)).toString('latin1');
  const found = await resolvePath(bytes, (at) => readLink(tree, at), true);
  const item = await tree.stat(found);
  if (!item || !isFile(item)) return undefined;
  if (item.size > limitBytes)
    throw errors.badContext(`${path} has ${item.size} bytes, and at most ${limitBytes} are read`);
  return Buffer.concat(await Array.fromAsync(tree.content(found)));
}
