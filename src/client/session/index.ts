/** What a build asks its client for over a session: secrets, agents, stores of blobs, and where results go. */
export { makeBuildSession, type BuildSessionParts, type OutputTarget, type SessionOffer } from './build-session.ts';
export { listInLayout, digestInLayout } from './layout-folder.ts';
