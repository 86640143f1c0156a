/** Steps that bring files and images in: images, what the client sends, repositories, downloads. */
import { messageOf, SkiffError } from '#base';
import type { Platform } from '#specs';
import type { StepId } from '../../graph.ts';
import { IgnoreMatcher } from '#base';
import { errors } from '../errors.ts';
import { nearest } from '../suggest.ts';
import type { BuildSources, ResolvedImage, ResolvedResult } from './build-request.ts';
import { type ContextSource, fileNameOf, parseContext } from './contexts.ts';
import type { GitSource } from './git-url.ts';
import type { GraphWriter } from './graph-writer.ts';

/** Where something comes in, in words for progress. */
export interface SourceNaming {
  readonly name: string;
  readonly ignoresCache: boolean;
}

interface Copied {
  readonly from: StepId;
  readonly source: string;
  readonly unpacks: boolean;
}

/** Names people mean when they mistype them. */
const KNOWN_IMAGES = ['alpine', 'busybox', 'centos', 'debian', 'golang', 'ubuntu', 'fedora', 'node', 'python'];

export class SourceSteps {
  readonly #graph: GraphWriter;
  readonly #sources: BuildSources;
  readonly #images = new Map<string, Promise<ResolvedImage>>();
  readonly #ignored = new Map<string, Promise<readonly string[]>>();
  #matcher: Promise<IgnoreMatcher | undefined> | undefined;
  readonly #mainContext: ContextSource;
  readonly #keepsGitFolder: boolean;

  /** `mainContext`: a URL, or undefined for the client's files. Throws as `parseContext`. */
  constructor(graph: GraphWriter, sources: BuildSources, mainContext: string | undefined, keepsGitFolder: boolean) {
    this.#graph = graph;
    this.#sources = sources;
    this.#mainContext = mainContext ? parseContext('context', mainContext) : { kind: 'local', name: 'context' };
    this.#keepsGitFolder = keepsGitFolder;
  }

  /** Once per name and platform. */
  image(reference: string, platform: Platform): Promise<ResolvedImage> {
    const key = JSON.stringify([reference, platform]);
    const known = this.#images.get(key);
    if (known) return known;
    const resolving = this.#sources.resolveImage(reference, platform);
    // Asked for ahead: whoever needs it awaits it, and sees the refusal then.
    resolving.catch(() => undefined);
    this.#images.set(key, resolving);
    return resolving;
  }

  /** What another build has made, and the step that stands for it. */
  async result(input: string, platform: Platform, naming: SourceNaming): Promise<readonly [ResolvedResult, StepId]> {
    const result = await this.#sources.resolveResult(input, platform);
    return [result, this.#graph.add({ kind: 'result', ...naming, input, platform: result.platform })];
  }

  async context(): Promise<StepId> {
    const source = this.#mainContext;
    const naming = { name: '[internal] load build context', ignoresCache: false };
    switch (source.kind) {
      case 'local':
        return this.local(source.name);
      case 'git': {
        const { git } = source;
        return this.git(git, { ...naming, keepsGitFolder: git.keepsGitFolder ?? this.#keepsGitFolder });
      }
      case 'http': {
        // compat: an archive is unpacked; the step that reads it sees whether it is one.
        const fileName = 'context';
        const from = this.http(source.url, { ...naming, fileName, checksum: '' });
        return this.#copied({ from, source: `/${fileName}`, unpacks: true }, naming);
      }
      case 'image':
      case 'result':
        throw errors.badContext('context', 'an image or the result of another build is no main context');
    }
  }

  /** The files of a context as a root file system of their own. */
  asRoot(from: StepId, naming: SourceNaming): StepId {
    this.#graph.use(from, '/');
    return this.#copied({ from, source: '/', unpacks: false }, naming);
  }

  #copied({ from, source, unpacks }: Copied, naming: SourceNaming): StepId {
    const plain = { mode: '', owner: '', excludes: [], keepsParents: false, isLinked: false };
    const copy = { kind: 'copy', from, sources: [source], target: '/', unpacks, ...plain } as const;
    return this.#graph.add({ kind: 'files', ...naming, root: undefined, actions: [copy] });
  }

  /** The client's ignore rules, for warnings; undefined when there are none. Throws `pattern.bad`. */
  contextIgnore(): Promise<IgnoreMatcher | undefined> {
    this.#matcher ??= this.#readMatcher();
    return this.#matcher;
  }

  async #readMatcher(): Promise<IgnoreMatcher | undefined> {
    if (this.#mainContext.kind !== 'local') return undefined;
    const matcher = new IgnoreMatcher(await this.#ignoredIn(this.#mainContext.name));
    return matcher.isEmpty ? undefined : matcher;
  }

  async local(name: string): Promise<StepId> {
    return this.#graph.addLocal(name, await this.#ignoredIn(name));
  }

  /** Asked once. */
  #ignoredIn(context: string): Promise<readonly string[]> {
    const known = this.#ignored.get(context) ?? this.#sources.ignorePatterns(context);
    this.#ignored.set(context, known);
    return known;
  }

  git(git: GitSource, naming: SourceNaming & { readonly keepsGitFolder: boolean }): StepId {
    return this.#graph.add({
      kind: 'git',
      ...naming,
      url: git.url,
      ref: git.ref,
      subfolder: git.subfolder,
      checksum: git.checksum,
      ...(git.hasSubmodules ? {} : { skipsSubmodules: true }),
      ...(git.time === 'commit' ? { usesCommitTime: true } : {}),
      ...(git.fetchesByCommit ? { fetchesByCommit: true } : {}),
    });
  }

  http(url: string, naming: SourceNaming & { readonly fileName: string; readonly checksum: string }): StepId {
    return this.#graph.add({ kind: 'http', ...naming, url });
  }

  /** The files of a context that is no image. */
  async files(source: Exclude<ContextSource, { kind: 'image' | 'result' }>, naming: SourceNaming): Promise<StepId> {
    if (source.kind === 'local') return this.local(source.name);
    if (source.kind === 'git')
      return this.git(source.git, { ...naming, keepsGitFolder: source.git.keepsGitFolder ?? false });
    return this.http(source.url, { ...naming, fileName: fileNameOf(source.url), checksum: '' });
  }
}

/** A refusal to find an image, with the name as written in front of it, and one that may have been meant. */
export function imageRefusal(error: unknown, name: string, stages: readonly string[]): unknown {
  if (!(error instanceof SkiffError)) return error;
  const near = nearest(name, [...stages, ...KNOWN_IMAGES]);
  const suggestion = near === undefined ? '' : ` (did you mean ${near}?)`;
  return new SkiffError(error.kind, error.code, `${name}: ${messageOf(error)}${suggestion}`, {
    cause: error,
    details: error.details,
  });
}
