/** The door: finds the route of a request, runs it, answers what it throws. */
import type { Server } from 'node:http';
import type { Log } from '#base';
import type { Builder } from '#build';
import type { EngineParts } from '#engine';
import { createHttpServer, type HttpDoor, localDoor, type Match, type Outgoing, Router, type TlsSettings } from '#rpc';
import { errors } from './errors.ts';
import { sendError } from './http-status.ts';
import { buildKitDoor, buildKitRoutes } from './routes/build/buildkit.ts';
import { buildRoutes } from './routes/build/routes.ts';
import { archiveRoutes } from './routes/containers/archive.ts';
import { layerRoutes } from './routes/containers/layer.ts';
import { diskUsageRoutes } from './routes/disk-usage.ts';
import { eventRoutes } from './routes/events.ts';
import { imageRoutes } from './routes/images/routes.ts';
import { commandRoutes, type CommandRunner } from './routes/command.ts';
import { authRoutes } from './routes/auth.ts';
import { lifecycleRoutes } from './routes/containers/lifecycle.ts';
import { readRoutes } from './routes/containers/read.ts';
import { attachRoutes } from './routes/containers/attach.ts';
import { execRoutes } from './routes/containers/exec.ts';
import { laterRoutes } from './routes/later.ts';
import { networkRoutes } from './routes/networks.ts';
import { registryRoutes } from './routes/registry.ts';
import { swarmRoutes } from './routes/swarm.ts';
import { volumeRoutes } from './routes/volumes.ts';
import { usageRoutes } from './routes/containers/usage.ts';
import { systemRoutes } from './routes/system.ts';
import type { SystemFacts } from './system-info.ts';
import { apiVersions, stripVersion } from './version.ts';

export interface ApiOptions {
  readonly parts: EngineParts;
  readonly builder: Builder;
  readonly facts: SystemFacts;
  readonly log: Log;
  /** Runs command lines for clients at the front door; absent: there is none. */
  readonly runCommand?: CommandRunner | undefined;
}

/** A server for the Engine API, not listening yet. With `tls` it speaks HTTPS. Throws what OpenSSL says of a certificate. */
export function createApi({ parts, builder, facts, log, runCommand }: ApiOptions, tls?: TlsSettings): Server {
  const buildKit = buildKitDoor(parts, builder, facts.version);
  const router = new Router([
    ...systemRoutes(parts, facts),
    ...eventRoutes(parts),
    ...lifecycleRoutes(parts),
    ...readRoutes(parts),
    ...attachRoutes(parts),
    ...execRoutes(parts),
    ...layerRoutes(parts),
    ...archiveRoutes(parts),
    ...usageRoutes(parts),
    ...networkRoutes(parts),
    ...volumeRoutes(parts),
    ...authRoutes(parts),
    ...registryRoutes(parts),
    ...imageRoutes(parts),
    ...buildRoutes(parts, builder, buildKit),
    ...buildKitRoutes(buildKit),
    ...diskUsageRoutes(parts, builder),
    ...swarmRoutes(),
    ...laterRoutes(),
    // Commands that run here have no way to go but to the next function.
    ...commandRoutes(runCommand, (call) => local(call)),
  ]);
  const find = (method: string, path: string): Match | undefined => router.match(method, stripVersion(path));
  const door: HttpDoor = {
    headers: {
      'Api-Version': apiVersions.newest,
      'Docker-Experimental': 'false',
      Ostype: 'linux',
      Server: `Skiff/${facts.version} (linux)`,
    },
    handle: async (context) => {
      const { request, response, url } = context;
      try {
        if (url.pathname.includes('//')) return sendElsewhere(response, url);
        const match = find(request.method ?? 'GET', url.pathname);
        if (!match) throw errors.notFound();
        await match.route.handle({ ...context, params: match.params });
      } catch (error) {
        sendError(response, error, log.with({ method: request.method, path: url.pathname }));
      }
    },
  };
  const local = localDoor(door);
  return createHttpServer(door, tls);
}

/** compat: a name with a slash before it, as inspect tells it, makes a path with two; a client that reads asks again then. */
function sendElsewhere(response: Outgoing, { pathname, search }: URL): void {
  const Location = `${pathname.replace(/\/{2,}/g, '/')}${search}`;
  response.writeHead(301, { Location, 'Content-Length': 0 }).end();
}
