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
import type { EngineParts } from '#engine';
import { parseReference, parseTag } from '#registry';
import { header, type RequestContext } from '#rpc';
import { byteString, encodeTarEntry, TAR_END, tarEntry, tarPadding } from '#wire';
import { errors } from '../../errors.ts';
import { sendNothing } from '../../http-status.ts';
import { ProgressStream } from '../../progress.ts';
import { type BuildAnswer, ClassicAnswer, EventAnswer, TraceAnswer } from './answers.ts';
import { type BuildQuery, readBuildQuery, registryConfigOf } from './build-query.ts';
import type { BuildKitDoor } from './buildkit.ts';
import type { BuildsUnderWay } from './builds-under-way.ts';
import { attributesOf, openExtras } from './extras.ts';
import { openRecord, type OpenedRecord, recordedWork } from './recorded.ts';

export interface BuildDoorParts {
  readonly parts: EngineParts;
  readonly builder: Builder;
  readonly buildKit: BuildKitDoor;
  readonly underWay: BuildsUnderWay;
}

/** compat: what is refused before the first step has a status of its own; later failures are lines. */
export async function buildImage(door: BuildDoorParts, context: RequestContext): Promise<void> {
  const query = readBuildQuery(context.query);
  const build = door.underWay.uploadOf(query.buildId);
  if (build !== undefined) {
    await door.underWay.upload(build, context.acceptBody(), context.signal);
    sendNothing(context.response, 200);
    return;
  }
  using named = door.underWay.begin(query.buildId);
  await buildFor(door, { ...context, signal: AbortSignal.any([context.signal, named.signal]) }, query);
}

async function buildFor(
  { parts, builder, buildKit, underWay }: BuildDoorParts,
  context: RequestContext,
  query: BuildQuery,
): Promise<void> {
  const { request, response, signal } = context;
  const credentialsOf = registryConfigOf(header(request, 'x-registry-config'));
  for (const name of query.names) parseTag(name);
  const progress = new ProgressStream(response);
  let failure: RunFailure | undefined;
  const stream = (text: string): void => {
    if (!query.isBuildKit) progress.send({ stream: text });
  };
  const extras = await openExtras(buildKit, query, { credentialsOf, stream, signal });
  await using held = new AsyncDisposableStack();
  const remote = await openRemote(builder, context, query, extras.gifts ?? noGifts);
  if (remote) held.use(remote);
  const record = await openRecord(buildKit, query);
  const answer = answerOf(query, { progress, record, signal });
  const isInSession = query.isBuildKit && query.remote === 'client-session';
  const files = remote || isInSession ? undefined : held.use(await openContext({ builder, underWay }, context, query));
  try {
    const folders = isInSession && record ? held.use(await openFolders(buildKit, query, record, signal)) : undefined;
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
        ...(folders ? { text: folders.text } : {}),
        contexts: folders?.contexts ?? new Map(files ? [['context', filesOf(files)]] : []),
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
          answer.planned(dockerfile, plan);
        },
        onPull: (line) => {
          record?.pull(line);
          answer.pull(line);
        },
        tell: (event) => {
          record?.event(event);
          answer.event(event);
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
    await answer.built(outcome);
    // The client need not wait for what is kept of it.
    record?.done(outcome, query.platforms.length > 1);
  } catch (error) {
    try {
      // With the files of the context, which are the build's until now.
      if (failure && !signal.aborted) await builder.failed.keep(failure, held.move());
      // Of a build that was ended: by what.
      await answer.failed(signal.aborted ? signal.reason : error);
    } finally {
      record?.failed(error);
    }
  }
}

function answerOf(
  query: BuildQuery,
  { progress, record, signal }: { progress: ProgressStream; record: OpenedRecord | undefined; signal: AbortSignal },
): BuildAnswer {
  if (query.isBuildKit && record) return new TraceAnswer(progress, query, record, signal);
  return new (query.wantsEvents && !query.isQuiet ? EventAnswer : ClassicAnswer)(progress, query);
}

/** What the client offers over its session instead of sending it. */
async function openFolders(buildKit: BuildKitDoor, query: BuildQuery, record: OpenedRecord, signal: AbortSignal) {
  const { sessionId } = query;
  if (sessionId === '') throw errors.invalid('a build of client-session needs the parameter session');
  return (await buildKit()).openFolders({
    sessionId,
    attributes: attributesOf({ ...query, remote: '' }),
    record,
    signal,
  });
}

/** When all who listen have taken what was told; undefined when they have. */
function drained(progress: ProgressStream, record: OpenedRecord | undefined): Promise<void> | undefined {
  const waits = [progress.drained(), record?.drained()].filter((each) => each !== undefined);
  return waits.length === 0 ? undefined : Promise.all(waits).then(() => {});
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
  { builder, underWay }: Pick<BuildDoorParts, 'builder' | 'underWay'>,
  { acceptBody, signal }: Pick<RequestContext, 'acceptBody' | 'signal'>,
  { remote, dockerfile, buildId }: BuildQuery,
): Promise<LocalContext> {
  if (remote === '' || remote === 'client-session') return builder.receive(acceptBody(), signal);
  if (remote === 'upload-request') {
    using upload = await underWay.uploaded(buildId, signal);
    return await builder.receive(upload.body, signal);
  }
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
