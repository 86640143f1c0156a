/**
 * One commit of a remote repository as files: found out first by what the server lists, which is enough for the cache, and
 * fetched when somebody needs it.
 *
 * compat: as BuildKit fetches: only this commit where the server gives it, everything where it does not; submodules and
 * theirs; the checked out files belong to no user of their own.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { newContainerId, SkiffError } from '#base';
import { removeTree } from '#linux';
import { errors } from '../errors.ts';
import type { GitStep } from '../graph.ts';
import type { RunGifts } from '../run/settings.ts';
import { gitConfig, isSshUrl, secretNames, sshCommand, withoutCredentials } from './git-config.ts';
import { git, type GitSurroundings } from './git-program.ts';
import { findReference, type FoundReference, isCommitId, isReferenceName, patternsOf } from './references.ts';

export interface RepositoryOptions {
  readonly step: GitStep;
  readonly gifts: RunGifts;
  /** For settings and secrets; small, in memory where that is. */
  readonly runFolder: string;
  /** For what is fetched. */
  readonly dataFolder: string;
  readonly signal: AbortSignal;
}

/** A place to work in for one repository; disposing removes all of it. */
export interface Repository extends AsyncDisposable {
  /** The commit that is asked for. Throws `build.noGitRef`, `build.wrongCommit`, `build.gitFailed`. */
  resolve(): Promise<FoundReference>;
  /** Its files, `.git` among them, and the commit's time in seconds. Throws `build.gitFailed`. */
  checkOut(found: FoundReference): Promise<{ readonly folder: string; readonly seconds: number }>;
}

export async function openRepository(options: RepositoryOptions): Promise<Repository> {
  const { step, gifts, runFolder, dataFolder, signal } = options;
  await using undo = new AsyncDisposableStack();
  const id = newContainerId();
  const home = `${runFolder}/${id}`;
  mkdirSync(home, { recursive: true, mode: 0o700 });
  undo.defer(() => rmSync(home, { recursive: true, force: true }));
  const folder = `${dataFolder}/git-${id}`;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  undo.defer(() => removeTree(folder));
  const secrets = {
    header: await secretOf(gifts, secretNames('GIT_AUTH_HEADER', step.url)),
    token: await secretOf(gifts, secretNames('GIT_AUTH_TOKEN', step.url)),
  };
  writeFileSync(`${home}/.gitconfig`, gitConfig(step.url, secrets), { mode: 0o600 });
  const environment: Record<string, string> = { GIT_SSH_COMMAND: sshCommand(`${home}/known_hosts`) };
  if (isSshUrl(step.url)) {
    const agent = await gifts.sshSocket('default');
    if (agent) environment['SSH_AUTH_SOCK'] = undo.use(agent).path;
  }
  const at = { home, workFolder: folder, url: withoutCredentials(step.url), environment, signal };
  const kept = undo.move();
  return {
    resolve: () => resolve(step, at),
    checkOut: (found) => checkOut(step, found, at),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function secretOf(gifts: RunGifts, names: readonly string[]): Promise<string | undefined> {
  for (const name of names) {
    const content = await gifts.secret(name);
    if (content) return content.toString('utf8').trim();
  }
  return undefined;
}

async function resolve(step: GitStep, at: GitSurroundings): Promise<FoundReference> {
  const { ref, checksum } = step;
  if (step.fetchesByCommit === true) {
    if (!isCommitId(checksum)) throw errors.noWholeCommit(at.url, checksum);
    return { commit: checksum, name: undefined };
  }
  if (!isReferenceName(ref)) throw errors.noGitRef(at.url, ref);
  const found = isCommitId(ref)
    ? { commit: ref, name: undefined }
    : findReference(await git(['ls-remote', '--', step.url, ...patternsOf(ref)], at), ref);
  if (!found) throw errors.noGitRef(at.url, ref);
  if (!found.commit.startsWith(checksum.toLowerCase())) throw errors.wrongCommit(at.url, checksum, found.commit);
  return found;
}

async function checkOut(
  step: GitStep,
  found: FoundReference,
  at: GitSurroundings,
): Promise<{ readonly folder: string; readonly seconds: number }> {
  const { commit } = found;
  await git(['init', '-q', '--template=', ...(commit.length === 64 ? ['--object-format=sha256'] : [])], at);
  await git(['remote', 'add', '--', 'origin', step.url], at);
  await fetch(found, at);
  await git(['checkout', '-q', '--force', '--detach', commit], at);
  if (step.skipsSubmodules !== true) {
    await git(['submodule', '-q', 'update', '--init', '--recursive', '--depth=1', '--force'], at);
  }
  const seconds = Number(await git(['show', '-s', '--format=%ct', commit, '--'], at));
  if (!Number.isSafeInteger(seconds)) throw errors.gitFailed(at.url, 'show', `${commit} has no time`);
  // What is kept of it for the program of a step names no password.
  if (step.keepsGitFolder) await git(['remote', 'set-url', 'origin', at.url], at);
  return { folder: at.workFolder, seconds };
}

/** Only the commit; of a server that gives names alone all there is, the commit being among it. */
async function fetch({ commit, name }: FoundReference, at: GitSurroundings): Promise<void> {
  const target = name === undefined || name === 'HEAD' ? commit : `+${name}:${localName(name)}`;
  try {
    await git(['fetch', '-q', '--no-tags', '--depth=1', '--no-recurse-submodules', '--', 'origin', target], at);
    if (await has(commit, at)) return;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    // A name that is gone by now has not to hold up what its commit is still there for.
  }
  const all = ['+refs/heads/*:refs/remotes/origin/*', '+refs/tags/*:refs/tags/*'];
  const depth = (await isShallow(at)) ? ['--unshallow'] : [];
  await git(['fetch', '-q', ...depth, '--no-recurse-submodules', '--', 'origin', ...all], at);
  if (!(await has(commit, at))) throw errors.noGitRef(at.url, commit);
}

const localName = (name: string): string => name.replace(/^refs\/heads\//, 'refs/remotes/origin/');

async function has(commit: string, at: GitSurroundings): Promise<boolean> {
  try {
    await git(['cat-file', '-e', `${commit}^{commit}`], at);
    return true;
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  }
}

async function isShallow(at: GitSurroundings): Promise<boolean> {
  return (await git(['rev-parse', '--is-shallow-repository'], at)).trim() === 'true';
}

const isRefusal = (error: unknown): boolean => error instanceof SkiffError && error.code === 'build.gitFailed';
