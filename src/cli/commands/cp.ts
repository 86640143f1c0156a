/** `skiff cp`: files between a container and this machine, either way, or as a tar on stdin or stdout. */
import { lstatSync, realpathSync, type Stats, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { formatBytes } from '#base';
import { isRefusal, type PathStat } from '#client';
import { type CommandContext, defineCommand } from '../command.ts';
import { packLocal } from '../copy/pack-local.ts';
import { archiveNameOf, type CopyArgument, parseCopyArgument, type Place, planCopy } from '../copy/paths.ts';
import { unpackLocal } from '../copy/unpack-local.ts';
import { errors, fileError } from '../errors.ts';
import { toggle } from '../flag-types.ts';

interface Wishes {
  readonly archive: boolean;
  readonly followLink: boolean;
  /** Say at the end what was done. */
  readonly tells: boolean;
}

export const cp = defineCommand({
  usage: '[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n       skiff cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH',
  summary: 'Copy files between a container and this machine',
  flags: {
    archive: toggle({ short: 'a', help: 'Keep owners: of the container user inside, of the archive outside' }),
    'follow-link': toggle({ short: 'L', help: 'Copy what the source, a symlink, leads to' }),
    quiet: toggle({ short: 'q', help: 'Do not tell how much was copied (nor is it told without a terminal)' }),
  },
  arguments: [2, 2],
  run: async (context, { flags, args: [from = '', to = ''] }) => {
    if (from === '') throw errors.invalid('source can not be empty');
    if (to === '') throw errors.invalid('destination can not be empty');
    const [source, target] = [parseCopyArgument(from), parseCopyArgument(to)];
    if (source.container !== '' && target.container !== '') {
      throw errors.invalid('copying between containers is not supported');
    }
    const tells = !flags.quiet && context.stdout.isTTY === true;
    const wishes = { archive: flags.archive, followLink: flags['follow-link'], tells };
    if (source.container !== '') await copyOut(context, source, target.path, wishes);
    else if (target.container !== '') await copyIn(context, source.path, target, wishes);
    else throw errors.invalid('must specify at least one container source');
    return 0;
  },
});

async function copyOut(context: CommandContext, source: CopyArgument, to: string, wishes: Wishes): Promise<void> {
  const { containers } = context.client();
  const { container } = source;
  let { path } = source;
  let name = archiveNameOf(path);
  if (wishes.followLink) {
    const stat = await containers.statPath(container, path);
    if (stat.linkTarget !== '') path = stat.linkTarget;
  }
  if (to === '-') {
    if (context.stdout.isTTY) throw errors.invalid('cowardly refusing to write a tar to a terminal: redirect it');
    const { stream } = await containers.copyFrom(container, path);
    await pipeline(stream, context.stdout, { end: false });
    return;
  }
  const target = localPlace(resolveLocal(context, to), to);
  const { stat, stream } = await containers.copyFrom(container, path);
  const inArchive = archiveNameOf(path);
  const plan = planOrDestroy(stream, () => planCopy({ isFolder: isGoFolder(stat) }, target));
  if (!statSync(plan.folder, { throwIfNoEntry: false })?.isDirectory()) {
    stream.destroy();
    throw errors.invalid(`invalid output path: directory "${plan.folder}" does not exist`);
  }
  // What a followed symlink leads to keeps the symlink's name; what is in a folder (`/.`) has none.
  if (name === '.' || name === '/') name = '';
  const as = plan.name ?? (name !== '' && name !== inArchive ? name : undefined);
  const { bytes } = await unpackLocal(stream, {
    folder: plan.folder,
    ...(as === undefined ? {} : { rename: { from: inArchive, to: as } }),
    keepOwners: wishes.archive,
  });
  if (wishes.tells) context.complain(`Successfully copied ${formatBytes(bytes)} to ${target.path}`);
}

async function copyIn(context: CommandContext, from: string, target: CopyArgument, wishes: Wishes): Promise<void> {
  const { containers } = context.client();
  const { container } = target;
  const place = await placeInContainer(context, target);
  if (from === '-') {
    if (!place.isFolder) throw errors.invalid(`destination "${container}:${target.path}" must be a directory`);
    await containers.copyTo(container, place.path, context.stdin, { ownedByUser: wishes.archive });
    return;
  }
  const local = resolveLocal(context, from);
  const followed = wishes.followLink || /\/\.?$/.test(from);
  const stats = statsOf(local, followed);
  const plan = planCopy({ isFolder: stats.isDirectory() }, place);
  const own = archiveNameOf(from === '.' || from.endsWith('/.') ? from : local);
  let bytes = 0;
  const counted = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of packLocal(followed ? realpathSync(local) : local, plan.name ?? own)) {
      bytes += chunk.length;
      yield chunk;
    }
  };
  const stream = Readable.from(counted(), { objectMode: false });
  await containers.copyTo(container, plan.folder, stream, { ownedByUser: wishes.archive, sameKind: true });
  if (wishes.tells) context.complain(`Successfully copied ${formatBytes(bytes)} to ${container}:${target.path}`);
}

/** A symlink stands for what it leads to; what is not there may be made. */
async function placeInContainer(context: CommandContext, { container, path }: CopyArgument): Promise<Place> {
  const { containers } = context.client();
  let at = path === '' ? '/' : path;
  try {
    let stat = await containers.statPath(container, at);
    if (stat.linkTarget !== '') {
      at = stat.linkTarget;
      stat = await containers.statPath(container, at);
    }
    return { path: at, exists: true, isFolder: isGoFolder(stat) };
  } catch (error) {
    if (!isRefusal(error) || !error.message.includes('Could not find the file')) throw error;
    return { path: at, exists: false, isFolder: false };
  }
}

function localPlace(path: string, text: string): Place {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats && !stats.isDirectory() && !stats.isFile()) {
    throw errors.invalid(`destination "${text}" must be a directory or a regular file`);
  }
  // The slash at the end of what is not there says that a folder is meant.
  const asked = !stats && /\/\.?$/.test(text) ? `${path}/` : path;
  return {
    path: stats ? realpathSync(path) : asked,
    exists: stats !== undefined,
    isFolder: stats?.isDirectory() === true,
  };
}

const resolveLocal = ({ workingDirectory }: CommandContext, path: string): string => resolve(workingDirectory, path);

function statsOf(path: string, followed: boolean): Stats {
  try {
    return followed ? statSync(path) : lstatSync(path);
  } catch (error) {
    throw fileError(followed ? 'stat' : 'lstat', path, error);
  }
}

/** Go's fs.ModeDir. */
const isGoFolder = ({ mode }: PathStat): boolean => mode >= 2 ** 31;

function planOrDestroy<T>(stream: Readable, plan: () => T): T {
  try {
    return plan();
  } catch (error) {
    stream.destroy();
    throw error;
  }
}
