/** Parts of the API whose part of the engine is not there yet: refused by name, not as pages nobody knows. */
import { header, type Route } from '#rpc';
import { errors } from '../errors.ts';

const missing: Readonly<Record<string, readonly string[]>> = {
  volumes: [
    'GET /volumes',
    'POST /volumes/create',
    'GET /volumes/{name}',
    'DELETE /volumes/{name}',
    'POST /volumes/prune',
  ],
};

/** The last of all routes: one that is there goes before its row here. */
export function laterRoutes(): Route[] {
  const rows = Object.entries(missing).flatMap(([what, lines]) => lines.map((line) => [what, line] as const));
  return [
    ...rows.map(([what, line]): Route => {
      const [method = '', path = ''] = line.split(' ');
      return {
        method,
        path,
        handle: async () => {
          throw errors.unsupported(what, 'it comes with a later one');
        },
      };
    }),
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
