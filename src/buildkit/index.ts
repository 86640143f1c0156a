/** BuildKit's doors: gRPC for `docker buildx`, over connections that HTTP hands over. Loaded by the first that comes. */
export { BuildKit, type BuildKitParts } from './build-kit.ts';
export type { RecordedBuild, RecordedFacts, RecordedPlan } from './history/recorded-build.ts';
export type { SessionOffer } from './sessions.ts';
export type { SessionBuild, SessionBuildRequest } from './session-build.ts';
