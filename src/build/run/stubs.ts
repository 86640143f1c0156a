/** Empty files and folders that only came to be because something was mounted on them: they are no part of the layer. */
import { lstatSync, rmdirSync, unlinkSync } from 'node:fs';
import { openStack } from '#images';
import { type HostFacts, resolvePath, S_IF } from '#linux';

export interface StackBelow {
  /** Topmost first. */
  readonly folders: readonly string[];
  readonly facts: Pick<HostFacts, 'kernel'>;
  readonly program: string;
}

/** Of these absolute paths, and the folders above them, what is not in the stack; relative, the deepest first. */
export async function findMissing(stack: StackBelow, targets: readonly string[]): Promise<string[]> {
  const asked = targets.filter((path) => !/^\/(?:dev|proc|sys)(?:\/|$)/.test(path));
  if (asked.length === 0) return [];
  const missing = new Set<string>();
  const { folders, facts, program } = stack;
  await using reader = folders.length === 0 ? undefined : openStack({ folders, facts, helperProgram: program });
  const stat = async (path: string) => reader?.stat(Buffer.from(path, 'latin1'));
  for (const target of asked) {
    const bytes = Buffer.from(target, 'utf8').toString('latin1');
    const path = await resolvePath(
      bytes,
      async (at) => {
        const entry = await stat(at);
        return entry && (entry.mode & S_IF.MASK) === S_IF.LNK ? entry.target.toString('latin1') : undefined;
      },
      true,
    );
    for (let at = path; at !== ''; at = at.slice(0, Math.max(at.lastIndexOf('/'), 0))) {
      if (await stat(at)) break;
      missing.add(at);
    }
  }
  return [...missing].sort((a, b) => b.length - a.length);
}

/** Removes those of them that are still empty. Nobody else is at work in the folder any more. */
export function removeStubs(folder: string, missing: readonly string[]): void {
  for (const path of missing) {
    const names = path.split('/').map((name) => Buffer.from(name, 'latin1'));
    const full = below(folder, names);
    if (full === undefined) continue;
    try {
      const stats = lstatSync(full);
      if (stats.isDirectory()) rmdirSync(full);
      else if (stats.isFile() && stats.size === 0) unlinkSync(full);
    } catch {
      // Something has been put into it, or it is gone: then it is the program's.
    }
  }
}

/** The path below the folder; undefined when a symlink is on the way, which the program has put there. */
function below(folder: string, names: readonly Buffer[]): Buffer | undefined {
  let path = Buffer.from(folder);
  for (const [index, name] of names.entries()) {
    path = Buffer.concat([path, Buffer.from('/'), name]);
    if (index === names.length - 1) return path;
    if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return undefined;
  }
  return undefined;
}
