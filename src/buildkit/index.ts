/** BuildKit's doors: gRPC for `docker buildx`, over connections that HTTP hands over. Loaded by the first that comes. */
export { BuildKit, type BuildKitParts, type SessionOffer } from './build-kit.ts';
export type { SessionBuild, SessionBuildRequest } from './session-build.ts';
