/** Ping, version, info. */
import { type EngineParts, readCdiDevices } from '#engine';
import type { RequestContext, Route } from '#rpc';
import { sendJson } from '../http-status.ts';
import { infoJson, type SystemFacts, versionJson } from '../system-info.ts';
import { minorVersion } from '../version.ts';

export function systemRoutes(parts: EngineParts, facts: SystemFacts): Route[] {
  const ping = async ({ response }: RequestContext, body: string): Promise<void> => {
    const headers = {
      // compat: 2 is BuildKit, which clients then use unless they are told otherwise.
      'Builder-Version': '2',
      Swarm: 'inactive',
      'Cache-Control': 'no-cache, no-store, must-revalidate',
      Pragma: 'no-cache',
      'Content-Type': 'text/plain; charset=utf-8',
      'Content-Length': body.length,
    };
    response.writeHead(200, headers).end(body);
  };
  return [
    { method: 'GET', path: '/_ping', handle: (context) => ping(context, 'OK') },
    { method: 'HEAD', path: '/_ping', handle: (context) => ping(context, '') },
    { method: 'GET', path: '/version', handle: async ({ response }) => sendJson(response, 200, versionJson(facts)) },
    {
      method: 'GET',
      path: '/info',
      handle: async ({ url, response }) => {
        const { devices } = await readCdiDevices(parts.settings.current.cdiFolders);
        sendJson(response, 200, infoJson(parts, facts, minorVersion(url), [...devices.keys()].sort()));
      },
    },
    // compat: for any path, and nothing in it.
    { method: 'OPTIONS', path: '/{any...}', handle: async ({ response }) => void response.writeHead(200).end() },
  ];
}
