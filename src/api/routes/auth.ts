/** `POST /auth`: whether a registry takes these credentials. */
import type { EngineParts } from '#engine';
import { readAuthConfig } from '#registry';
import { type RequestContext, type Route, readJson } from '#rpc';
import { sendJson } from '../http-status.ts';

export function authRoutes(parts: Pick<EngineParts, 'registry'>): Route[] {
  return [{ method: 'POST', path: '/auth', handle: (context) => checkAuth(parts, context) }];
}

async function checkAuth(
  parts: Pick<EngineParts, 'registry'>,
  { request, response, signal }: RequestContext,
): Promise<void> {
  const auth = readAuthConfig((await readJson(request)) ?? {});
  const { status, identityToken } = await parts.registry.login(auth, { signal });
  sendJson(response, 200, { IdentityToken: identityToken, Status: status });
}
