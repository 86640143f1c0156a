/** The Docker Engine API over HTTP. */
export { type ApiOptions, createApi } from './api.ts';
export type { CommandRunner } from './routes/command.ts';
export { httpStatus } from './http-status.ts';
export type { SystemFacts } from './system-info.ts';
export { apiVersions } from './version.ts';
