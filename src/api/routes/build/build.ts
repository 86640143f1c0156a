/** `POST /build`: the classic builder's request and answer, for `DOCKER_BUILDKIT=0 docker build` and whoever speaks like it. */
import { Readable } from 'node:stream';
import {
  type Builder,
  dockerfileBuild,
  filesOf,
  type LocalContext,
  noGifts,
  openRemoteContext,
  parseGitUrl,
  type RemoteContext,
  type RunFailure,
  type RunGifts,
} from '#build';
import { shortId, SkiffError } from '#base';
import type { EngineParts } from '#engine';
import { parseReference, parseTag } from '#registry';
import { header, type RequestContext } from '#rpc';
import { byteString, encodeTarEntry, TAR_END, tarEntry, tarPadding } from '#wire';
import { errors } from '../../errors.ts';
import { ProgressStream } from '../../progress.ts';
import { BuildEvents } from './build-events.ts';
import { type BuildQuery, readBuildQuery, registryConfigOf } from './build-query.ts';
import type { BuildKitDoor } from './buildkit.ts';
import { ClassicLines } from './classic-lines.ts';
import { openExtras } from './extras.ts';
import { openRecord, type OpenedRecord, recordedWork } from './recorded.ts';

export interface BuildDoorParts {
  readonly parts: EngineParts;
  readonly builder: Builder;
  readonly buildKit: BuildKitDoor;
}

/** Characters kept of what a quiet build has said so far. */
const MOST_UNTOLD = 1 << 20;

/** compat: what is refused before the first step has a status of its own; later failures are lines. */
export async function buildImage({ parts, builder, buildKit }: BuildDoorParts, context: RequestContext): Promise<void> {
  const { request, response, signal } = context;
  const query = readBuildQuery(context.query);
  const credentialsOf = registryConfigOf(header(request, 'x-registry-config'));
  for (const name of query.names) parseTag(name);
  const progress = new ProgressStream(response);
  let failure: RunFailure | undefined;
  const stream = (text: string): void => progress.send({ stream: text });
  let untold = '';
  const events = query.wantsEvents && !query.isQuiet ? new BuildEvents(progress) : undefined;
  const extras = await openExtras(buildKit, query, { credentialsOf, stream, signal });
  await using held = new AsyncDisposableStack();
  const remote = await openRemote(builder, context, query, extras.gifts ?? noGifts);
  if (remote) held.use(remote);
  const files = remote ? undefined : held.use(await openContext(builder, context, query));
  const record = await openRecord(buildKit, query);
  const lines = new ClassicLines({
    write: (text) => {
      if (query.isQuiet) untold = (untold + text).slice(-MOST_UNTOLD);
      else stream(text);
    },
  });
  try {
    const imported = await extras.openCaches();
    const outcome = await dockerfileBuild(
      { builder, images: parts.images },
      {
        path: query.dockerfile,
        request: {
          targetPlatforms: query.platforms,
          buildArgs: query.buildArgs,
          labels: query.labels,
          target: query.target,
          noCache: query.noCache,
          ...(remote ? { mainContext: query.remote } : {}),
        },
        ...(remote ? { remote } : {}),
        contexts: new Map(files ? [['context', filesOf(files)]] : []),
        ...extras.work,
        ...(record ? recordedWork(record, query, extras.work) : {}),
        imported,
        isList: query.platforms.length > 1,
        settings: query.settings,
        gifts: extras.gifts ?? noGifts,
        alwaysPulls: query.alwaysPulls,
        credentialsFor: (reference) => credentialsOf(parseReference(reference).host),
        onPlan: (dockerfile, plan) => {
          record?.planned({ ...plan, text: dockerfile.text });
          events?.pulled();
          for (const notice of plan.notices) events?.notice(notice);
          if (events) return;
          lines.begin(dockerfile, plan, query.target);
          if (!query.isQuiet) for (const notice of plan.notices) stream(`${notice}\n`);
        },
        onPull: (line) => {
          record?.pull(line);
          events?.pull(line);
          if (query.isQuiet || events) return;
          const { id, status, current, total } = line;
          if (id === undefined) progress.status(status);
          else progress.step(shortId(id), status, current, total);
        },
        tell: (event) => {
          record?.event(event);
          (events ?? lines).event(event);
        },
        ...(query.keepsFailed
          ? {
              onRunFailed: (failed) => {
                const layers = failure ? undefined : builder.failed.hold(failed);
                if (!layers) return;
                failure = failed;
                held.use(layers);
              },
            }
          : {}),
        drained: () => drained(progress, record),
      },
    );
    const {
      images: [image],
      facts,
    } = outcome;
    const id = image?.id ?? facts['containerimage.digest'] ?? '';
    const hasFacts = query.outputs.length + query.cacheExports.length > 0;
    progress.send({ aux: hasFacts ? { ID: id, Facts: facts } : { ID: id } });
    if (query.isQuiet) stream(id === '' ? '' : `${id}\n`);
    else if (image) {
      stream(`Successfully built ${shortId(image.id)}\n`);
      for (const name of query.names) stream(`Successfully tagged ${parseTag(name)}\n`);
    }
    progress.end();
    // The client need not wait for what is kept of it.
    record?.done(outcome, query.platforms.length > 1);
  } catch (error) {
    try {
      // With the files of the context, which are the build's until now.
      if (failure && !signal.aborted) await builder.failed.keep(failure, held.move());
      // compat: of a quiet build that fails everything is told.
      if (untold !== '') stream(untold);
      progress.fail(inClassicWords(error));
    } finally {
      record?.failed(error);
    }
  }
}

/** When all who listen have taken what was told; undefined when they have. */
function drained(progress: ProgressStream, record: OpenedRecord | undefined): Promise<void> | undefined {
  const waits = [progress.drained(), record?.drained()].filter((each) => each !== undefined);
  return waits.length === 0 ? undefined : Promise.all(waits).then(() => {});
}

/** compat: the classic builder's sentence for a program that fails; its code is the line's. */
function inClassicWords(error: unknown): unknown {
  if (!(error instanceof SkiffError) || error.code !== 'build.runFailed') return error;
  const code = Number(error.details['exitCode'] ?? 1);
  const program = /^process "(.*)" did not complete/s.exec(error.message)?.[1] ?? '';
  const message = `The command '${program}' returned a non-zero code: ${code}`;
  return new SkiffError(error.kind, error.code, message, { cause: error, details: { code } });
}

/** The repository that `remote` names, if it is one. Throws what fetching throws. */
async function openRemote(
  builder: Builder,
  { signal }: Pick<RequestContext, 'signal'>,
  { remote, buildArgs }: BuildQuery,
  gifts: RunGifts,
): Promise<RemoteContext | undefined> {
  if (!parseGitUrl(remote)) return undefined;
  const keepsGitFolder = /^(?:1|t|true)$/i.test(buildArgs['BUILDKIT_CONTEXT_KEEP_GIT_DIR'] ?? '');
  return openRemoteContext(builder, { url: remote, keepsGitFolder, gifts, signal });
}

/** The body, or what `remote` names. Throws `api.*` and `build.badContext`. */
async function openContext(
  builder: Builder,
  { acceptBody, signal }: Pick<RequestContext, 'acceptBody' | 'signal'>,
  { remote, dockerfile }: BuildQuery,
): Promise<LocalContext> {
  if (remote === '' || remote === 'client-session') return builder.receive(acceptBody(), signal);
  if (!/^https?:\/\//.test(remote)) throw errors.invalid(`unable to find remote context: ${remote}`);
  const answer = await fetch(remote, { signal, redirect: 'follow' }).catch((error: unknown) => {
    throw errors.cannotDownload(remote, error instanceof Error ? error.message : String(error));
  });
  if (!answer.ok || !answer.body) throw errors.notDownloaded(remote, `${answer.status} ${answer.statusText}`, '');
  // compat: a text is the Dockerfile itself.
  if (!(answer.headers.get('content-type') ?? '').startsWith('text/plain')) {
    return builder.receive(Readable.fromWeb(answer.body), signal);
  }
  const text = await beginOf(answer.body);
  const head = encodeTarEntry({ ...tarEntry(dockerfile, 'file', { size: text.length }), path: byteString(dockerfile) });
  return builder.receive(Readable.from([Buffer.concat([head, text, tarPadding(text.length), TAR_END])]), signal);
}

/** More than this is no Dockerfile. */
const MAX_TEXT_BYTES = 1024 * 1024;

async function beginOf(body: ReadableStream<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > MAX_TEXT_BYTES) throw errors.tooLarge(MAX_TEXT_BYTES);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
