/** The Docker Engine API over HTTP. */
export { createApi } from './api.ts';
export { httpStatus } from './http-status.ts';
export type { SystemFacts } from './system-info.ts';
export { apiVersions } from './version.ts';
