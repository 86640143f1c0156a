/** What `skiff build` sends: a folder without what its ignore file leaves out, stdin, or only the place where it is. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, posix, relative, resolve, sep } from 'node:path';
import { Readable } from 'node:stream';
import { ignoreFileNames, IgnoreMatcher, parseIgnore } from '#base';
import { encodeTarEntry, TAR_END, tarEntry, tarPadding } from '#wire';
import type { CommandContext } from '../command.ts';
import { packFolder } from '../copy/pack-local.ts';
import { errors, fileError } from '../errors.ts';

export interface SentContext {
  /** Undefined when `remote` is where the files are. */
  readonly stream: Readable | undefined;
  readonly remote: string;
  /** The Dockerfile's path in it. */
  readonly dockerfile: string;
}

/** `source` is PATH, URL or `-`; `file` the value of `--file`, '' for none. Throws `cli.invalid`. */
export async function openContext(context: CommandContext, source: string, file: string): Promise<SentContext> {
  if (/^https?:\/\/|^git@|^git:\/\/|^ssh:\/\//.test(source)) {
    return { stream: undefined, remote: source, dockerfile: file };
  }
  if (source === '-') return fromStdin(context, file);
  const folder = resolve(context.workingDirectory, source);
  const stats = statSync(folder, { throwIfNoEntry: false });
  if (!stats) throw errors.invalid(`unable to prepare context: path "${source}" not found`);
  if (!stats.isDirectory()) throw errors.invalid(`unable to prepare context: ${source} is no folder`);
  return file === '-' ? withDockerfile(folder, await readStdin(context)) : fromFolder(context, folder, file);
}

function fromFolder({ workingDirectory }: CommandContext, folder: string, file: string): SentContext {
  const path = file === '' ? join(folder, 'Dockerfile') : resolve(workingDirectory, file);
  const inside = relative(folder, path).split(sep).join('/');
  if (inside.startsWith('../') || isAbsolute(inside)) return withDockerfile(folder, readText(path));
  if (!existsSync(path)) {
    throw errors.invalid(`unable to evaluate symlinks in Dockerfile path: lstat ${path}: no such file or directory`);
  }
  const ignore = ignoreFileNames(inside).find((name) => existsSync(join(folder, name)));
  const patterns = ignore === undefined ? [] : parseIgnore(readText(join(folder, ignore)).toString());
  // The daemon has to see these two, whatever the rules say.
  const kept = new Set([inside, ...(ignore === undefined ? [] : [ignore])]);
  return { stream: archive(packFolder(folder, leavingOut(patterns, kept))), remote: '', dockerfile: inside };
}

/** A Dockerfile of elsewhere goes under a name of its own, which the steps do not see. */
function withDockerfile(folder: string, text: Buffer): SentContext {
  const name = `.dockerfile.${randomBytes(10).toString('hex')}`;
  const ignore = join(folder, '.dockerignore');
  const patterns = existsSync(ignore) ? parseIgnore(readText(ignore).toString()) : [];
  const rules = [...patterns, name, `${name}.dockerignore`].join('\n');
  const parts = async function* (): AsyncGenerator<Buffer> {
    yield* packFolder(folder, leavingOut(patterns, new Set()));
    yield* entry(name, text);
    yield* entry(`${name}.dockerignore`, Buffer.from(`${rules}\n`));
  };
  return { stream: archive(parts()), remote: '', dockerfile: name };
}

function leavingOut(
  patterns: readonly string[],
  kept: ReadonlySet<string>,
): (path: string, isFolder: boolean) => boolean {
  const rules = new IgnoreMatcher(patterns);
  const above = new Set([...kept].flatMap((path) => (dirname(path) === '.' ? [] : foldersOf(path))));
  return (path, isFolder) => {
    if (kept.has(path) || !rules.excludes(path)) return false;
    return !isFolder || !(above.has(path) || rules.mayIncludeBelow(path));
  };
}

function foldersOf(path: string): string[] {
  const names = path.split('/').slice(0, -1);
  return names.map((_, index) => names.slice(0, index + 1).join('/'));
}

/** What archives begin with, at which place. */
const MAGIC: readonly (readonly [at: number, magic: Buffer])[] = [
  [0, Buffer.from([0x1f, 0x8b])],
  [0, Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
  [257, Buffer.from('ustar')],
];
const HEAD_BYTES = 512;

/** compat: an archive is the context; anything else is the Dockerfile, without files. */
async function fromStdin(context: CommandContext, file: string): Promise<SentContext> {
  if (context.stdin.isTTY) throw errors.invalid('stdin is a terminal: send an archive or a Dockerfile through a pipe');
  const chunks = context.stdin.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
  const head: Buffer[] = [];
  for (let length = 0; length < HEAD_BYTES; ) {
    const next = await chunks.next();
    if (next.done === true) break;
    head.push(Buffer.from(next.value));
    length += next.value.length;
  }
  const begin = Buffer.concat(head);
  const rest = async function* (): AsyncGenerator<Buffer> {
    yield begin;
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield Buffer.from(next.value);
  };
  if (MAGIC.some(([at, magic]) => begin.subarray(at, at + magic.length).equals(magic))) {
    return {
      stream: Readable.from(rest(), { objectMode: false }),
      remote: '',
      dockerfile: posix.normalize(file || 'Dockerfile'),
    };
  }
  if (file !== '') throw errors.invalid('ambiguous Dockerfile source: both stdin and flag correspond to Dockerfiles');
  const text = Buffer.concat(await Array.fromAsync(rest()));
  return { stream: archive(entry('Dockerfile', text)), remote: '', dockerfile: 'Dockerfile' };
}

async function readStdin({ stdin }: CommandContext): Promise<Buffer> {
  if (stdin.isTTY) throw errors.invalid('stdin is a terminal: send the Dockerfile through a pipe');
  return Buffer.concat(await Array.fromAsync(stdin as AsyncIterable<Buffer>));
}

function* entry(path: string, content: Buffer): Generator<Buffer> {
  yield encodeTarEntry(tarEntry(path, 'file', { size: content.length, mode: 0o600 }));
  yield content;
  yield tarPadding(content.length);
}

/** Small pieces are sent many at a time. */
function archive(parts: AsyncIterable<Buffer> | Iterable<Buffer>): Readable {
  const batches = async function* (): AsyncGenerator<Buffer> {
    let batch: Buffer[] = [];
    let bytes = 0;
    for await (const part of parts) {
      batch.push(part);
      bytes += part.length;
      if (bytes < BATCH_BYTES) continue;
      yield Buffer.concat(batch, bytes);
      batch = [];
      bytes = 0;
    }
    yield Buffer.concat([...batch, TAR_END]);
  };
  return Readable.from(batches(), { objectMode: false });
}

const BATCH_BYTES = 256 * 1024;

function readText(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw fileError('open', basename(path), error);
  }
}
