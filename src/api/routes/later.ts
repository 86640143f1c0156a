/** Parts of the API whose part of the engine is not there yet: refused by name, not as pages nobody knows. */
import { header, type Route } from '#rpc';
import { errors } from '../errors.ts';

/** The last of all routes: one that is there goes before its row here. */
export function laterRoutes(): Route[] {
  return [
    ...['/session', '/grpc'].map(
      (path): Route => ({
        method: 'POST',
        path,
        handle: async ({ request }) => {
          // compat: dockerd's words for who does not ask for another protocol.
          if (header(request, 'upgrade') === undefined) throw errors.invalid('no upgrade proto in request');
          throw errors.unsupported('a session of a build', 'it comes with a later one');
        },
      }),
    ),
    ...['GET', 'POST'].map(
      (method): Route => ({
        method,
        path: '/containers/{id}/checkpoints',
        handle: async () => {
          throw errors.unsupported('a checkpoint', 'commit the container instead');
        },
      }),
    ),
  ];
}
