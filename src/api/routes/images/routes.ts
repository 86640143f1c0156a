/** The table of image routes. */
import type { EngineParts } from '#engine';
import type { Route } from '#rpc';
import { listAttestations } from './attestations.ts';
import { pruneImages, removeImage, tagImage } from './change.ts';
import { createImage } from './create.ts';
import { imageHistory, inspectImage } from './inspect.ts';
import { listImages } from './list.ts';
import { loadImages, pushImage, saveImages } from './transfer.ts';

export function imageRoutes(parts: EngineParts): Route[] {
  return [
    { method: 'GET', path: '/images/json', handle: (context) => listImages(parts, context) },
    { method: 'GET', path: '/images/get', handle: (context) => saveImages(parts, context) },
    { method: 'POST', path: '/images/create', handle: (context) => createImage(parts, context) },
    { method: 'POST', path: '/images/load', handle: (context) => loadImages(parts, context) },
    { method: 'POST', path: '/images/prune', handle: (context) => pruneImages(parts, context) },
    { method: 'GET', path: '/images/{name...}/json', handle: (context) => inspectImage(parts, context) },
    { method: 'GET', path: '/images/{name...}/history', handle: (context) => imageHistory(parts, context) },
    { method: 'GET', path: '/images/{name...}/attestations', handle: (context) => listAttestations(parts, context) },
    { method: 'GET', path: '/images/{name...}/get', handle: (context) => saveImages(parts, context) },
    { method: 'POST', path: '/images/{name...}/push', handle: (context) => pushImage(parts, context) },
    { method: 'POST', path: '/images/{name...}/tag', handle: (context) => tagImage(parts, context) },
    { method: 'DELETE', path: '/images/{name...}', handle: (context) => removeImage(parts, context) },
  ];
}
