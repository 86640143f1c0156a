/** A wish of a client's → an image in the store: what `Control.Solve` does once the client's function has returned. */
import {
  type Builder,
  type BuildResult,
  dockerfileBuild,
  type DockerfileWork,
  lintDockerfile,
  openRemoteContext,
  recordedProvenance,
  type RemoteContext,
  type RunGifts,
  type Step,
  type StepId,
} from '#build';
import type { Images } from '#images';
import { parseReference } from '#registry';
import { GrpcError, grpcCode } from '#rpc/grpc';
import type { BuildsUnderWay, BuildUnderWay, FrontendWish } from './builds.ts';
import { type CacheEntryOption, importCaches, readCacheExports } from './caches.ts';
import { ClientFiles } from './client-files.ts';
import { errors } from './errors.ts';
import type { Outcome } from './evaluation.ts';
import { type ExporterEntry, readExports } from './exports.ts';
import { credentialsOf, giftsOf } from './gifts.ts';
import { refusal } from './refusals.ts';
import type { Session, Sessions } from './sessions.ts';
import { answerSubrequest, type Metadata } from './subrequests.ts';
import { type BuildWish, readWish } from './wish.ts';

/** Only whether it is there counts. */
const MAX_POLICY_BYTES = 16 * 1024 * 1024;

export interface SolveParts {
  readonly builder: Builder;
  readonly images: Images;
  readonly sessions: Sessions;
  readonly builds: BuildsUnderWay;
  /** For sockets of agents; short, for their paths are bounded. */
  readonly runFolder: string;
}

export interface SolveWish {
  readonly build: BuildUnderWay;
  readonly wish: FrontendWish;
  readonly entitlements: readonly string[];
  readonly signal: AbortSignal;
}

export interface BuildSolveWish extends SolveWish {
  readonly exporters: readonly ExporterEntry[];
  readonly cacheExports: readonly CacheEntryOption[];
  readonly beforeExport: (results: readonly BuildResult[]) => Promise<void>;
}

/** Throws GrpcError for whatever the builder throws. */
export async function solveBuild(parts: SolveParts, asked: BuildSolveWish): Promise<Outcome> {
  const { build, beforeExport } = asked;
  const { attributes } = asked.wish;
  const { progress } = build;
  await using work = await openWork(parts, asked);
  let steps: readonly Step[] = [];
  let failed: StepId | undefined;
  try {
    const { wish, session, signal } = work;
    const paths = {
      session: () => session,
      credentialsFor: (name: string) => credentialsOf(session, parseReference(name).host),
      signal,
    };
    const exports = readExports(asked.exporters, { ...paths, onBytes: (total) => progress.exporting(total) });
    const caches = readCacheExports(asked.cacheExports, paths);
    const imported = await importCaches(wish.cacheImports, { ...paths, builder: parts.builder, progress });
    const { facts: answer, origins } = await dockerfileBuild(parts, {
      ...work.dockerfile,
      ...{ exports, isList: wish.isList, cacheExports: caches.wishes, hasInlineCache: caches.hasInline, imported },
      attest: { wish: wish.attest, record: recordedProvenance(wish.attest), attributes, invocationId: build.ref },
      onExport: { during: (name, run) => progress.export(name, run) },
      beforeExport,
      onPlan: (_dockerfile, { warnings, steps: planned }) => {
        steps = planned;
        progress.pulled();
        for (const warning of warnings) progress.warn(work.files.dockerfileVertex, warning, work.file);
      },
      onPull: (line) => progress.pulling(line),
      tell: (event) => {
        if (event.type === 'failed') failed ??= event.step;
        progress.event(event);
      },
      drained: () => progress.drained(),
    });
    return { answer, origins, isList: wish.isList };
  } catch (error) {
    if (work.session.gone.aborted)
      throw new GrpcError(grpcCode.unavailable, errors.sessionGone(work.session.id).message);
    progress.pulled(error);
    const vertex = failed === undefined ? '' : progress.vertexOf(failed);
    const range = failed === undefined ? undefined : steps[failed]?.source;
    throw refusal(error, { file: work.file, vertex, range });
  }
}

/** What is asked about the Dockerfile instead of a build (`--check`, `--call`). */
export async function answerAbout(parts: SolveParts, asked: SolveWish, name: string): Promise<Metadata> {
  await using work = await openWork(parts, asked);
  const { request, path } = work.dockerfile;
  try {
    return await answerSubrequest(name, {
      path,
      text: work.file.text,
      request,
      check: () => lintDockerfile(parts, { ...work.dockerfile, onPull: (line) => asked.build.progress.pulling(line) }),
    });
  } catch (error) {
    throw refusal(error, { file: work.file, vertex: '', range: undefined });
  } finally {
    asked.build.progress.pulled();
  }
}

interface Work extends AsyncDisposable {
  readonly session: Session;
  readonly wish: BuildWish;
  /** Aborted when the client goes, or does not want it any more. */
  readonly signal: AbortSignal;
  readonly files: ClientFiles;
  readonly file: { readonly name: string; readonly text: string };
  readonly dockerfile: Omit<DockerfileWork, 'exports' | 'onPlan' | 'onPull' | 'tell'> & { readonly text: string };
}

/** The session, and the Dockerfile that came over it. */
async function openWork(parts: SolveParts, { build, ...asked }: SolveWish): Promise<Work> {
  const wish = readWish(asked.wish.attributes, asked.entitlements);
  const session = await parts.sessions.get(build.sessionId);
  // Without its client a build has no files, and nobody who wants it.
  const signal = AbortSignal.any([asked.signal, session.gone]);
  const files = new ClientFiles({ builder: parts.builder, session, wish, progress: build.progress, signal });
  const gifts = giftsOf(session, parts.runFolder);
  try {
    const remote = await openRemote(parts.builder, wish, { build, gifts, signal });
    if (remote) {
      files.hold(remote);
      // buildx asked for it before, and was told nothing.
      const policy = await remote.read(`${wish.dockerfile}.rego`, MAX_POLICY_BYTES);
      if (policy) throw errors.unsupported(`the policy ${wish.dockerfile}.rego of the context`, 'build without it');
    }
    const file = { name: wish.dockerfile, text: await files.dockerfile(remote) };
    return {
      ...{ session, wish, signal },
      files,
      file,
      dockerfile: {
        path: wish.dockerfile,
        text: file.text,
        request: wish.request,
        ...(remote ? { remote } : {}),
        contexts: files.contexts(),
        resultOf: (input, platform) => parts.builds.resultFor(asked.wish, input, platform),
        settings: wish.settings,
        gifts,
        alwaysPulls: wish.alwaysPulls,
        credentialsFor: (reference) => credentialsOf(session, parseReference(reference).host),
        signal,
      },
      [Symbol.asyncDispose]: () => files[Symbol.asyncDispose](),
    };
  } catch (error) {
    await files[Symbol.asyncDispose]();
    throw error;
  }
}

/** A context that is somewhere else, if the wish names one. */
async function openRemote(
  builder: Builder,
  { request }: BuildWish,
  { build, gifts, signal }: Pick<SolveWish, 'build' | 'signal'> & { readonly gifts: RunGifts },
): Promise<RemoteContext | undefined> {
  const { mainContext: url, buildArgs = {} } = request;
  if (url === undefined) return undefined;
  const keepsGitFolder = /^(?:1|t|true)$/i.test(buildArgs['BUILDKIT_CONTEXT_KEEP_GIT_DIR'] ?? '');
  return build.progress.during('[internal] load remote build context', () =>
    openRemoteContext(builder, { url, keepsGitFolder, gifts, signal }),
  );
}
