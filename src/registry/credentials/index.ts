/** What the command line needs of registries without talking to any: names, and the user's credentials. */
export type { AuthConfig } from '../client/config.ts';
export { encodeAuthHeader, HUB_SERVER_KEY, hostOfServer } from '../client/auth-config.ts';
export { parseReference, type Reference } from '../reference.ts';
export { changeCurrentContext, currentContext, dockerConfigPath } from './config-file.ts';
export { authHeaderFor, CredentialStore, registryConfigHeader, serverKeyOf } from './credential-store.ts';
