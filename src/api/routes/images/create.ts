/** POST /images/create: pull from a registry, or import a root file system. */
import { Readable } from 'node:stream';
import { messageOf, shortId, SkiffError } from '#base';
import type { EngineParts } from '#engine';
import { decodeAuthHeader } from '#registry';
import { header, type RequestContext } from '#rpc';
import { errors } from '../../errors.ts';
import { imageName } from '../../image-name.ts';
import { ProgressStream } from '../../progress.ts';
import { platformOf } from './platform.ts';

export async function createImage(parts: EngineParts, context: RequestContext): Promise<void> {
  await (context.query.get('fromImage') ? pull(parts, context) : importImage(parts, context));
}

async function pull(parts: EngineParts, { request, query, response, signal }: RequestContext): Promise<void> {
  const name = query.get('fromImage')!;
  const tag = query.get('tag') ?? '';
  const platform = platformOf(query);
  // compat: without any tag all of them are meant; clients write `latest` out.
  const hasTag = tag !== '' || /@|:[^/]*$/.test(name);
  const reference = tag === '' ? name : `${name}${tag.includes(':') ? '@' : ':'}${tag}`;
  const credentials = decodeAuthHeader(header(request, 'x-registry-auth'));
  const progress = new ProgressStream(response);
  try {
    await parts.images.pull(reference, {
      ...(platform ? { platform } : {}),
      credentials,
      allTags: !hasTag,
      signal,
      onProgress: ({ id, status, current, total }) => progress.step(shortId(id), status, current, total),
      onStatus: (line, id) => progress.status(line, id),
    });
    progress.end();
  } catch (error) {
    progress.fail(error);
  }
}

/** compat: the id is the only line; failures after the head are lines too. */
async function importImage(parts: EngineParts, { request, query, response, signal }: RequestContext): Promise<void> {
  const source = query.get('fromSrc') ?? '';
  if (source === '') throw errors.invalid('neither fromImage nor fromSrc is given');
  const reference = imageName(query);
  const platform = platformOf(query);
  const progress = new ProgressStream(response);
  try {
    const image = await parts.images.import(source === '-' ? request : downloaded(source, progress, signal), {
      ...(query.get('repo') ? { reference } : {}),
      message: query.get('message') ?? (source === '-' ? '' : `Imported from ${source}`),
      changes: query.getAll('changes'),
      ...(platform ? { platform } : {}),
      signal,
    });
    progress.status(image.id);
    progress.end();
  } catch (error) {
    progress.fail(error);
  }
}

/** Asked for when it is read, so that a name or change that is refused costs no request; ended with its reader. */
function downloaded(source: string, progress: ProgressStream, signal: AbortSignal): Readable {
  return Readable.from(
    (async function* () {
      yield* await download(source, progress, signal);
    })(),
  );
}

/** compat: a source without a scheme is taken for http. */
async function download(source: string, progress: ProgressStream, signal: AbortSignal): Promise<Readable> {
  const url = /^[a-z]+:\/\//i.test(source) ? source : `http://${source}`;
  try {
    const answer = await fetch(url, { signal, redirect: 'follow' });
    if (!answer.ok || !answer.body) {
      const refusal = answer.status === 404 ? errors.nothingToDownload : errors.notDownloaded;
      throw refusal(url, `${answer.status} ${answer.statusText}`, await beginOf(answer));
    }
    progress.status(`Downloading from ${url}`);
    return Readable.fromWeb(answer.body);
  } catch (error) {
    if (error instanceof SkiffError) throw error;
    throw errors.cannotDownload(url, messageOf(error));
  }
}

/** What the server said about it, as far as it helps. */
async function beginOf({ body }: Response): Promise<string> {
  for await (const chunk of body ?? []) return Buffer.from(chunk).toString('utf8', 0, MAX_WORDS).trim();
  return '';
}

const MAX_WORDS = 500;
