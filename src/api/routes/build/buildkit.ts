/** `POST /grpc` and `POST /session`: connections that BuildKit's clients take over. */
import type { Builder } from '#build';
import type { BuildKit } from '#buildkit';
import type { EngineParts } from '#engine';
import { header, type RequestContext, type Route } from '#rpc';
import { errors } from '../../errors.ts';

/** Loads it when the first asks: an idle daemon knows nothing of gRPC. */
export type BuildKitDoor = () => Promise<BuildKit>;

export function buildKitDoor(parts: EngineParts, builder: Builder, version: string): BuildKitDoor {
  let loading: Promise<BuildKit> | undefined;
  return () =>
    (loading ??= import('#buildkit').then(
      (module) =>
        new module.BuildKit({
          ...{ builder, version, images: parts.images, runFolder: parts.options.execRoot, log: parts.log },
        }),
    ));
}

export function buildKitRoutes(buildKit: BuildKitDoor): Route[] {
  return [
    {
      method: 'POST',
      path: '/grpc',
      handle: async (context) => {
        checkUpgrade(context);
        const server = await buildKit();
        server.serve(context.hijack('', 'h2c'));
      },
    },
    {
      method: 'POST',
      path: '/session',
      handle: async (context) => {
        checkUpgrade(context);
        const { request } = context;
        const id = header(request, 'x-docker-expose-session-uuid') ?? '';
        if (id === '') throw errors.invalid('session id is missing');
        const methods = request.headersDistinct['x-docker-expose-session-grpc-method'] ?? [];
        const server = await buildKit();
        const sharedKey = header(request, 'x-docker-expose-session-sharedkey') ?? '';
        await server.join({ id, methods, sharedKey }, () => context.hijack('', 'h2c'));
      },
    },
  ];
}

/** compat: dockerd's words for who does not ask for another protocol. */
function checkUpgrade({ request }: RequestContext): void {
  const protocol = header(request, 'upgrade');
  if (protocol === undefined) throw errors.invalid('no upgrade proto in request');
  if (protocol !== 'h2c') throw errors.invalid(`protocol ${protocol} not supported`);
}
