/** Images out and in: push to a registry, save to an archive, load from one. */
import { pipeline } from 'node:stream/promises';
import { shortId } from '#base';
import type { EngineParts } from '#engine';
import { decodeAuthHeader } from '#registry';
import { header, type RequestContext } from '#rpc';
import { errors } from '../../errors.ts';
import { ProgressStream } from '../../progress.ts';
import { boolean } from '../../query.ts';
import { platformOf } from './platform.ts';

export async function pushImage(parts: EngineParts, context: RequestContext): Promise<void> {
  const { request, params, query, response, signal } = context;
  const tag = query.get('tag') ?? '';
  const platform = platformOf(query);
  const credentials = decodeAuthHeader(header(request, 'x-registry-auth'));
  const name = params['name']!;
  const hasTag = tag !== '' || /:[^/]*$/.test(name);
  const progress = new ProgressStream(response);
  try {
    await parts.images.push(tag === '' ? name : `${name}:${tag}`, {
      ...(platform ? { platform } : {}),
      credentials,
      // compat: without a tag all tags of the repository go.
      allTags: !hasTag,
      signal,
      onProgress: ({ id, status, current, total }) => progress.step(shortId(id), status, current, total),
      onStatus: (line, id) => progress.status(line, id),
      onPushed: ({ tag: Tag, digest: Digest, sizeBytes: Size }) =>
        progress.send({ progressDetail: {}, aux: { Tag, Digest, Size } }),
    });
    progress.end();
  } catch (error) {
    progress.fail(error);
  }
}

/** One name in the path, or several in `names`. */
export async function saveImages(
  parts: EngineParts,
  { params, query, response, signal }: RequestContext,
): Promise<void> {
  const names = params['name'] === undefined ? query.getAll('names') : [params['name']];
  if (names.length === 0) throw errors.invalid('no image was named: give names=NAME');
  const platform = platformOf(query);
  const archive = await parts.images.save(names, { ...(platform ? { platform } : {}), signal });
  response.writeHead(200, { 'Content-Type': 'application/x-tar' });
  try {
    await pipeline(archive, response);
  } catch (error) {
    // The head is out: a broken connection is all that can be said, and the reason goes to the log.
    if (!signal.aborted) parts.log.error('an archive of images broke off', { error: String(error) });
    response.destroy();
  }
}

export async function loadImages(
  parts: EngineParts,
  { request, query, response, signal }: RequestContext,
): Promise<void> {
  const isQuiet = boolean(query, 'quiet', true);
  const platform = platformOf(query);
  const progress = new ProgressStream(response);
  try {
    await parts.images.load(request, {
      signal,
      ...(platform ? { platform } : {}),
      onProgress: ({ id, status, current, total }) => {
        if (!isQuiet) progress.step(shortId(id), status, current, total);
      },
      onLoaded: (line) => progress.send({ stream: `${line}\n` }),
    });
    progress.end();
  } catch (error) {
    progress.fail(error);
  }
}
