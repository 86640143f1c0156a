/**
 * A repository as a tree: the commit is asked for first, and is the key; only what the cache has not is fetched. Files belong
 * to root and have the modes git knows, 0644 and 0755.
 */
import { posix } from 'node:path';
import { openUnpacker, resolvePath } from '#linux';
import { errors } from '../errors.ts';
import { isFile, isFolder, isLink, readLink, stackTree, type TreeItem } from '../files/source-tree.ts';
import { withoutCredentials } from '../git/git-config.ts';
import { openRepository } from '../git/repository.ts';
import type { GitStep, StepId } from '../graph.ts';
import type { BuildParts } from '../parts.ts';
import { runRoot } from '../run/run-step.ts';
import { cached } from './cached.ts';
import { emptySnapshot, type Snapshot } from './result.ts';
import type { Solving } from './solving.ts';

/** Notes of the fetching itself, which differ from one time to the next. */
const NOTES = /^\.git\/(?:FETCH_HEAD$|ORIG_HEAD$|logs(?:\/|$))/;
const BILLION = 1_000_000_000n;

/** Throws `build.noGitRef`, `build.wrongCommit`, `build.gitFailed`, `build.noGitProgram`, `build.notFound`. */
export async function fetchRepository(
  parts: BuildParts,
  solving: Solving,
  id: StepId,
  step: GitStep,
): Promise<Snapshot> {
  const { options, facts, runtime } = parts;
  const { gifts, signal, nowNs } = solving;
  const runFolder = runRoot(options.execRoot);
  const dataFolder = `${options.dataRoot}/build/incoming`;
  await using repository = await openRepository({ step, gifts, runFolder, dataFolder, signal });
  const found = await repository.resolve();
  const snapshot = await cached(parts, solving, {
    id,
    step,
    root: emptySnapshot,
    definition: gitDefinition(step, found.commit),
    sources: [],
    kind: 'source.git.checkout',
    make: async (layer) => {
      const { folder, seconds } = await repository.checkOut(found);
      const timeNs = BigInt(seconds) * BILLION;
      await using tree = stackTree({ folders: [folder], facts, helperProgram: runtime.helperProgram });
      const top = await resolvePath(inside(step.subfolder), (at) => readLink(tree, at), true);
      const item = await tree.stat(top);
      if (!item) throw errors.notFound(`/${step.subfolder}`);
      if (!isFolder(item)) throw errors.notAFolder(step.subfolder);
      await using unpacker = openUnpacker(layer.folder, { program: runtime.helperProgram });
      const mtimeNs = step.usesCommitTime === true ? timeNs : nowNs;
      await tree.send(top, unpacker, (each) => {
        if (each.path === top || !isWanted(step, each.path)) return undefined;
        const path = top === '' ? each.path : each.path.slice(top.length + 1);
        return { path: Buffer.from(path, 'latin1'), mode: modeOf(each), uid: 0, gid: 0, mtimeNs };
      });
      await unpacker.finish();
      return { timeNs };
    },
  });
  return { ...snapshot, sourceDigest: `${found.commit.length === 64 ? 'sha256' : 'sha1'}:${found.commit}` };
}

/** What is fetched, whoever asks for it, by whichever of its names. */
export function gitDefinition(step: GitStep, commit: string): unknown {
  const { url, subfolder, keepsGitFolder, skipsSubmodules = false, usesCommitTime = false } = step;
  const wanted = [inside(subfolder), keepsGitFolder, skipsSubmodules, usesCommitTime];
  return ['git', withoutCredentials(url), commit, ...wanted];
}

const inside = (subfolder: string): string =>
  Buffer.from(posix.normalize(`/${subfolder}`))
    .toString('latin1')
    .replace(/^\/+|\/+$/g, '');

/** git lets nothing of this name into a repository: what has it is git's own, that of submodules too. */
function isWanted({ keepsGitFolder }: GitStep, path: string): boolean {
  if (keepsGitFolder) return !NOTES.test(path);
  return !path.split('/').includes('.git');
}

/** compat: whatever the umask of whoever fetched. */
function modeOf(item: TreeItem): number {
  if (isLink(item)) return 0o777;
  return isFile(item) && (item.mode & 0o111) === 0 ? 0o644 : 0o755;
}
