/** What a build of ours gets and gives over a session: files of the user's, each in its place only when it is whole. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { errnoCode } from '#base';
import type { SkiffClient } from '#client';
import type { OutputTarget } from '#client/session';
import type { CommandContext } from '../command.ts';
import { errors, fileError } from '../errors.ts';
import { type Output, parseAgent, parseSecret, type SecretOption, type TypedOption } from './build-options.ts';

export interface SessionWishes {
  readonly outputs: readonly Output[];
  readonly cacheExports: readonly TypedOption[];
  readonly cacheImports: readonly TypedOption[];
  readonly secrets: readonly string[];
  readonly agents: readonly string[];
}

export interface OpenedSession extends Disposable {
  /** '' where none is needed. */
  readonly id: string;
  /** With what only this side knows: the digest of a cache in a folder. */
  readonly cacheImports: readonly TypedOption[];
  /** Of folders that were written: notes in their lists what is in them now. */
  finish(facts: Readonly<Record<string, string>>): void;
}

/** Throws for files that are not there before anything is sent. */
export async function openSession(
  context: CommandContext,
  client: SkiffClient,
  wishes: SessionWishes,
): Promise<OpenedSession> {
  const { environment, workingDirectory, stdout } = context;
  const at = (path: string): string => resolve(workingDirectory, path);
  const outputs = new Map<number, OutputTarget>();
  const half = new HalfMade(context);
  const stores = new Map<string, string>();
  for (const [index, output] of wishes.outputs.entries()) {
    if (output.dest === '') continue;
    if (output.dest === '-') {
      if (stdout.isTTY === true) throw errors.invalid('an archive is not written to a terminal: give dest=FILE');
      outputs.set(index, { kind: 'archive', take: (bytes) => write(stdout, bytes) });
    } else if (output.Type === 'local')
      outputs.set(index, half.folder(at(output.dest), output.Attrs['mode'] === 'delete'));
    else if (output.Attrs['tar'] === 'false') stores.set('export', at(output.dest));
    else outputs.set(index, half.archive(at(output.dest)));
  }
  const { digestInLayout, listInLayout, makeBuildSession } = await import('#client/session');
  const cacheImports = wishes.cacheImports.flatMap((entry): TypedOption[] => {
    if (entry.Type !== 'local') return [entry];
    const src = entry.Attrs['src'] ?? '';
    if (src === '') throw errors.invalid('src is required for a local cache');
    const digest = entry.Attrs['digest'] || digestInLayout(at(src), entry.Attrs['tag'] || 'latest');
    // compat: a cache that is not there yet is no failure.
    if (digest === undefined) {
      context.complain(`WARNING: local cache import at ${src} not found: there is no cache in it`);
      return [];
    }
    stores.set(`local:${src}`, at(src));
    return [{ Type: 'local', Attrs: { ...entry.Attrs, digest } }];
  });
  for (const { Type, Attrs } of wishes.cacheExports) {
    if (Type === 'local' && Attrs['dest']) stores.set(`local:${Attrs['dest']}`, at(Attrs['dest']));
  }
  const secrets = new Map(wishes.secrets.map((text) => secretOf(parseSecret(text, environment), context)));
  const agents = new Map(wishes.agents.map((text) => parseAgent(text, environment)));
  const finish = (facts: Readonly<Record<string, string>>): void => {
    const cache = facts['cache.manifest'];
    for (const { Type, Attrs } of cache === undefined ? [] : wishes.cacheExports) {
      if (Type !== 'local') continue;
      const descriptor = JSON.parse(cache ?? '{}') as Record<string, unknown>;
      listInLayout(at(Attrs['dest'] ?? ''), descriptor, Attrs['tag'] || 'latest');
    }
    const root = facts['containerimage.descriptor'];
    const folder = stores.get('export');
    if (root !== undefined && folder !== undefined) {
      const descriptor = JSON.parse(Buffer.from(root, 'base64').toString()) as Record<string, unknown>;
      listInLayout(folder, descriptor, tagOf(facts['image.name'] ?? ''));
    }
  };
  if (outputs.size + stores.size + secrets.size + agents.size === 0) {
    return { id: '', cacheImports, finish, [Symbol.dispose]: () => {} };
  }
  const offer = makeBuildSession({ outputs, stores, secrets, agents });
  const session = await client.builds.session(offer);
  return {
    id: offer.id,
    cacheImports,
    finish,
    [Symbol.dispose]: () => {
      session[Symbol.dispose]();
      half[Symbol.dispose]();
    },
  };
}

const tagOf = (names: string): string | undefined => /:([^/:,]+)(?:,|$)/.exec(names)?.[1];

function secretOf({ id, source }: SecretOption, context: CommandContext): readonly [string, () => Uint8Array] {
  if (source.kind === 'environment') {
    const value = context.environment[source.name];
    if (value === undefined) throw errors.invalid(`secret ${id}: there is no environment variable ${source.name}`);
    return [id, () => Buffer.from(value)];
  }
  const path = resolve(context.workingDirectory, source.path);
  if (!existsSync(path)) throw errors.invalid(`failed to stat ${source.path}: no such file or directory`);
  return [id, () => readFileSync(path)];
}

async function write(stdout: NodeJS.WritableStream, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of bytes) {
    if (!stdout.write(chunk)) await new Promise<void>((resolve) => stdout.once('drain', resolve));
  }
}

/** Outputs that are not whole yet: archives go with it, folders are told. */
class HalfMade implements Disposable {
  readonly #complain: (line: string) => void;
  readonly #archives = new Set<string>();
  readonly #folders = new Set<string>();
  #isOver = false;

  constructor({ complain }: Pick<CommandContext, 'complain'>) {
    this.#complain = complain;
  }

  folder(path: string, mirrors: boolean): OutputTarget {
    return {
      kind: 'folder',
      path,
      mirrors,
      onProgress: (state) => void (state === 'begun' ? this.#folders.add(path) : this.#folders.delete(path)),
    };
  }

  /** Under another name until it is whole. */
  archive(path: string): OutputTarget {
    return { kind: 'archive', take: (bytes) => this.#save(path, bytes) };
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    for (const path of this.#archives) rmSync(path, { force: true });
    for (const path of this.#folders) this.#complain(`WARNING: ${path} is incomplete`);
  }

  async #save(path: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    const temporary = `${dirname(path)}/.${basename(path)}.${randomBytes(4).toString('hex')}`;
    this.#archives.add(temporary);
    try {
      await using file = await open(temporary, 'wx', 0o644);
      for await (const chunk of bytes) await file.appendFile(chunk);
      await file.datasync();
      if (!this.#isOver) renameSync(temporary, path);
    } catch (error) {
      throw errnoCode(error) === undefined ? error : fileError('failed to write the output: open', path, error);
    } finally {
      rmSync(temporary, { force: true });
      this.#archives.delete(temporary);
    }
  }
}
