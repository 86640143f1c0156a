/** Everything the builder can refuse, in BuildKit's own words where it has some. */
import { defineErrors, SkiffError } from '#base';

export const errors = defineErrors('build', {
  cancelled: { kind: 'cancelled', message: () => 'the build was cancelled' },
  notFound: { kind: 'not-found', message: (path: string) => `"${path}": not found` },
  noContext: {
    kind: 'invalid',
    message: (name: string) => `the build has no context named '${name}'`,
  },
  noDockerfile: {
    kind: 'invalid',
    message: (path: string) => `Cannot locate specified Dockerfile: ${path}`,
  },
  emptyDockerfile: { kind: 'invalid', message: (path: string) => `the Dockerfile (${path}) cannot be empty` },
  noOciLayout: {
    kind: 'not-implemented',
    message: (reference: string) =>
      `${reference}: layouts in folders are not read by this builder: load the image first`,
  },
  noSourceDate: {
    kind: 'invalid',
    message: (name: string) => `SOURCE_DATE_EPOCH: ${name} does not say when it was made: give the time as seconds`,
  },
  manySources: {
    kind: 'invalid',
    message: (target: string) =>
      `When using COPY with more than one source file, the destination must be a directory and end with a /: ${target}`,
  },
  toNonFolder: { kind: 'invalid', message: (path: string) => `cannot copy to non-directory: ${path}` },
  overFolder: { kind: 'invalid', message: (path: string) => `cannot replace to directory ${path} with file` },
  badPattern: { kind: 'invalid', message: (pattern: string) => `syntax error in pattern: ${pattern}` },
  badMode: {
    kind: 'invalid',
    message: (mode: string) => `invalid chmod parameter: '${mode}'. it should be octal string and between 0 and 07777`,
  },
  notAFolder: { kind: 'invalid', message: (path: string) => `${path} is not a directory` },
  noSecret: {
    kind: 'not-found',
    message: (id: string) => `secret ${id}: not found`,
  },
  noSsh: { kind: 'not-found', message: (id: string) => `ssh ${id}: no agent was given to this build` },
  noGitProgram: {
    kind: 'unavailable',
    message: () =>
      'the program git, which fetches repositories, is not on this host: install it (Debian: apt-get install git)',
  },
  gitFailed: {
    kind: 'invalid',
    message: (url: string, command: string, words: string) => `failed to fetch ${url}: git ${command}: ${words}`,
  },
  noGitRef: {
    kind: 'not-found',
    message: (url: string, ref: string) => `repository ${url} does not contain ref ${ref === '' ? 'HEAD' : ref}`,
  },
  wrongCommit: {
    kind: 'invalid',
    message: (url: string, expected: string, actual: string) =>
      `${url}: expected checksum to match ${expected}, got ${actual}`,
  },
  noWholeCommit: {
    kind: 'invalid',
    message: (url: string, checksum: string) =>
      `${url}: fetch-by-commit needs the whole id of a commit as checksum, not '${checksum}'`,
  },
  notDownloaded: { kind: 'invalid', message: (url: string, what: string) => `cannot download ${url}: ${what}` },
  wrongChecksum: {
    kind: 'invalid',
    message: (url: string, expected: string, actual: string) => `${url}: digest mismatch ${actual}: ${expected}`,
  },
  nothingFailed: {
    kind: 'not-found',
    message: () => 'no failed step is kept: those of builds by skiff build are, for 15 minutes',
  },
  badContext: { kind: 'invalid', message: (why: string) => `the build context cannot be used: ${why}` },
  badExtraHost: { kind: 'invalid', message: (entry: string) => `invalid IP address in add-host: "${entry}"` },
  badNetwork: {
    kind: 'not-implemented',
    message: (mode: string) => `steps of a build cannot share the network of a container: ${mode}`,
  },
  noBridge: {
    kind: 'invalid',
    message: () => 'there is no default bridge: start the daemon without --bridge=none, or build with --network=host',
  },
  badAnnotation: { kind: 'invalid', message: (key: string, why: string) => `invalid annotation ${key}: ${why}` },
  badAttestation: { kind: 'invalid', message: (type: string, why: string) => `invalid attestation ${type}: ${why}` },
  needsOci: {
    kind: 'invalid',
    message: (what: string) => `cannot export ${what} with "oci-mediatypes=false"`,
  },
  noListInDocker: {
    kind: 'invalid',
    message: () => 'docker exporter does not currently support exporting manifest lists',
  },
  pushNeedsName: { kind: 'invalid', message: () => 'tag is needed when pushing to registry' },
  taggedDigest: {
    kind: 'invalid',
    message: (name: string) => `can't push tagged ref ${name} by digest`,
  },
  sameFile: {
    kind: 'invalid',
    message: (path: string, one: string, other: string) =>
      `cannot overwrite ${path} from ${one} with ${other} when split option is disabled`,
  },
  tooManyFiles: {
    kind: 'invalid',
    message: (most: number) => `the result has more than ${most} files: save the image`,
  },
  badCache: { kind: 'invalid', message: (why: string) => `this is no build cache that can be read: ${why}` },
  noInterpreter: {
    kind: 'invalid',
    message: (platform: string) =>
      `programs for ${platform} cannot be run here: register an interpreter for them with binfmt_misc (flag F), or build ` +
      'on such a machine',
  },
  notAllowed: {
    kind: 'forbidden',
    message: (right: string) => `${right} is not allowed: this build was not given that right`,
  },
});

/** compat: BuildKit's words; clients end with this exit code. */
export function runFailed(argv: readonly string[], code: number, isOutOfMemory: boolean): SkiffError {
  const program = argv.join(' ');
  const why = isOutOfMemory ? `: cannot allocate memory` : '';
  const message = `process "${program}" did not complete successfully: exit code: ${code}${why}`;
  return new SkiffError('invalid', 'build.runFailed', message, { details: { exitCode: code } });
}
