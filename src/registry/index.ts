/** OCI distribution: references, client and server. */
export { parseReference, parseTag, type Reference, repositoryOf } from './reference.ts';
