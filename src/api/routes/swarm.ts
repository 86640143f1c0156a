/** What only swarms and engine plugins have: answered as by an engine that is in no swarm and has no plugins. */
import type { RequestContext, Route } from '#rpc';
import { errors } from '../errors.ts';
import { sendJson } from '../http-status.ts';

const managed: readonly string[] = [
  'GET /swarm',
  'POST /swarm/update',
  'GET /swarm/unlockkey',
  'POST /swarm/unlock',
  'GET /nodes',
  'GET /nodes/{id}',
  'DELETE /nodes/{id}',
  'POST /nodes/{id}/update',
  'GET /services',
  'POST /services/create',
  'GET /services/{id}',
  'DELETE /services/{id}',
  'POST /services/{id}/update',
  'GET /services/{id}/logs',
  'GET /tasks',
  'GET /tasks/{id}',
  'GET /tasks/{id}/logs',
  'GET /secrets',
  'POST /secrets/create',
  'GET /secrets/{id}',
  'DELETE /secrets/{id}',
  'POST /secrets/{id}/update',
  'GET /configs',
  'POST /configs/create',
  'GET /configs/{id}',
  'DELETE /configs/{id}',
  'POST /configs/{id}/update',
  'PUT /volumes/{name}',
];

const ofPlugin: readonly string[] = [
  'GET /plugins/{name...}/json',
  'POST /plugins/{name...}/enable',
  'POST /plugins/{name...}/disable',
  'POST /plugins/{name...}/upgrade',
  'POST /plugins/{name...}/push',
  'POST /plugins/{name...}/set',
  'DELETE /plugins/{name...}',
];

export function swarmRoutes(): Route[] {
  return [
    ...managed.map((line) => refusing(line, () => errors.notManager())),
    refusing('POST /swarm/leave', () => errors.notInSwarm()),
    refusing('POST /swarm/init', () => errors.unsupported('a swarm', 'this engine stands alone')),
    refusing('POST /swarm/join', () => errors.unsupported('a swarm', 'this engine stands alone')),
    // compat: an engine without plugins has an empty list.
    { method: 'GET', path: '/plugins', handle: async ({ response }) => sendJson(response, 200, []) },
    refusing('GET /plugins/privileges', () => errors.unsupported('an engine plugin', 'there is nothing to extend')),
    refusing('POST /plugins/pull', () => errors.unsupported('an engine plugin', 'there is nothing to extend')),
    refusing('POST /plugins/create', () => errors.unsupported('an engine plugin', 'there is nothing to extend')),
    ...ofPlugin.map((line) => refusing(line, ({ params }) => errors.noSuchPlugin(params['name']!))),
  ];
}

function refusing(line: string, error: (context: RequestContext) => Error): Route {
  const [method = '', path = ''] = line.split(' ');
  return {
    method,
    path,
    handle: async (context) => {
      throw error(context);
    },
  };
}
