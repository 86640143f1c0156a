/** Parts of the API whose part of the engine is not there yet: refused by name, not as pages nobody knows. */
import type { Route } from '#rpc';
import { errors } from '../errors.ts';

/** The last of all routes: one that is there goes before its row here. */
export function laterRoutes(): Route[] {
  return [
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
