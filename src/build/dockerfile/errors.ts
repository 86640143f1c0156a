/** Everything the Dockerfile front end can refuse, in BuildKit's words where it has some. */
import { defineErrors } from '#base';

const quoted = (text: string): string => JSON.stringify(text);

export const errors = defineErrors('dockerfile', {
  // The file as a whole.
  empty: { kind: 'invalid', message: () => 'the Dockerfile cannot be empty' },
  noInstructions: { kind: 'invalid', message: () => 'file with no instructions' },
  noStages: { kind: 'invalid', message: () => 'dockerfile contains no stages to build' },
  noStage: { kind: 'invalid', message: () => 'no build stage in current context' },
  longLine: {
    kind: 'invalid',
    message: (bytes: number) => `dockerfile line greater than max allowed size of ${bytes}`,
  },
  repeatedDirective: {
    kind: 'invalid',
    message: (name: string) => `only one ${name} parser directive can be used`,
  },
  badEscape: {
    kind: 'invalid',
    message: (token: string) => `invalid escape token '${token}' does not match \` or \\`,
  },
  openHeredoc: { kind: 'invalid', message: () => 'unterminated heredoc' },
  unknownInstruction: {
    kind: 'invalid',
    message: (word: string, hint: string) => `unknown instruction: ${word}${hint}`,
  },

  // Arguments of instructions.
  noArguments: { kind: 'invalid', message: (name: string) => `${name} requires at least one argument` },
  notOneArgument: { kind: 'invalid', message: (name: string) => `${name} requires exactly one argument` },
  noDestination: {
    kind: 'invalid',
    message: (name: string) =>
      `${name} requires at least two arguments, but only one was provided. Destination could not be determined`,
  },
  heredocTarget: { kind: 'invalid', message: (name: string) => `${name} cannot accept a heredoc as a destination` },
  blankName: { kind: 'invalid', message: (name: string) => `${name} names can not be blank` },
  noValue: { kind: 'invalid', message: (name: string) => `${name} must have two arguments` },
  noEquals: {
    kind: 'invalid',
    message: (word: string) => `Syntax error - can't find = in ${quoted(word)}. Must be of the form: name=value`,
  },
  notStrings: {
    kind: 'invalid',
    message: () => 'when using JSON array syntax, arrays must be comprised of strings only',
  },
  shellForm: { kind: 'invalid', message: () => 'SHELL requires the arguments to be in JSON form' },
  fromForm: { kind: 'invalid', message: () => 'FROM requires either one or three arguments' },
  fromVariable: {
    kind: 'invalid',
    message: () =>
      'variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a ' +
      'workaround',
  },
  stageName: {
    kind: 'invalid',
    message: (name: string) =>
      `invalid name for build stage: ${quoted(name)}, name can't start with a number or contain symbols`,
  },
  chainedOnBuild: { kind: 'invalid', message: () => "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed" },
  badTrigger: { kind: 'invalid', message: (name: string) => `${name} isn't allowed as an ONBUILD trigger` },
  triggerForm: { kind: 'invalid', message: () => 'onbuild trigger should be a single expression' },
  healthcheckNone: { kind: 'invalid', message: () => 'HEALTHCHECK NONE takes no arguments' },
  healthcheckType: {
    kind: 'invalid',
    message: (word: string) => `Unknown type ${quoted(word)} in HEALTHCHECK (try CMD)`,
  },
  healthcheckCommand: { kind: 'invalid', message: () => 'Missing command after HEALTHCHECK CMD' },
  shortInterval: {
    kind: 'invalid',
    message: (name: string) => `Interval ${quoted(name)} cannot be less than 1ms`,
  },
  badDuration: {
    kind: 'invalid',
    message: (what: string, text: string) => `time: ${what} duration ${quoted(text)}`,
  },
  badRetries: {
    kind: 'invalid',
    message: (text: string) => `strconv.ParseInt: parsing ${quoted(text)}: invalid syntax`,
  },
  negativeRetries: { kind: 'invalid', message: (text: string) => `--retries cannot be negative (${text})` },
  commandHeredoc: {
    kind: 'invalid',
    message: (command: string) => `parsing produced an invalid run command: [${command}]`,
  },

  // Flags and mounts.
  unknownFlag: { kind: 'invalid', message: (flag: string, hint: string) => `unknown flag: --${flag}${hint}` },
  repeatedFlag: { kind: 'invalid', message: (flag: string) => `duplicate flag specified: --${flag}` },
  flagWithoutValue: { kind: 'invalid', message: (flag: string) => `missing a value on flag: --${flag}` },
  notBoolean: {
    kind: 'invalid',
    message: (flag: string, value: string) => `expecting boolean value for flag --${flag}, not: ${value}`,
  },
  badNetwork: { kind: 'invalid', message: (mode: string) => `invalid network mode ${quoted(mode)}` },
  badSecurity: { kind: 'invalid', message: (mode: string) => `security ${quoted(mode)} is not valid` },
  noDevices: {
    kind: 'not-implemented',
    message: (device: string) => `RUN --device=${device}: devices are not given to builds here: leave the flag out`,
  },
  mountCsv: { kind: 'invalid', message: (why: string) => `failed to parse csv mounts: ${why}` },
  mountField: { kind: 'invalid', message: (field: string) => `invalid field '${field}' must be a key=value pair` },
  mountKey: {
    kind: 'invalid',
    message: (key: string, field: string, hint: string) => `unexpected key '${key}' in '${field}'${hint}`,
  },
  mountKeyForType: {
    kind: 'invalid',
    message: (key: string, type: string) => `unexpected key '${key}' for mount type '${type}'`,
  },
  mountType: {
    kind: 'invalid',
    message: (type: string, hint: string) => `unsupported mount type ${quoted(type)}${hint}`,
  },
  mountSharing: {
    kind: 'invalid',
    message: (value: string, hint: string) => `unsupported sharing value ${quoted(value)}${hint}`,
  },
  mountValue: { kind: 'invalid', message: (key: string, value: string) => `invalid value for ${key}: ${value}` },
  mountNumber: { kind: 'invalid', message: (key: string, value: string) => `invalid value ${value} for ${key}` },
  mountVariable: {
    kind: 'invalid',
    message: (key: string) => `'${key}' doesn't support variable expansion, define alias stage instead`,
  },
  mountNotAllowed: {
    kind: 'invalid',
    message: (key: string, type: string) => `${key} not allowed for ${quoted(type)} type mounts`,
  },
  mountTarget: { kind: 'invalid', message: (target: string) => `invalid mount target ${quoted(target)}` },
  mount: { kind: 'invalid', message: (what: string) => what },

  // Variables.
  openQuote: {
    kind: 'invalid',
    message: (kind: 'single' | 'double') => `unexpected end of statement while looking for matching ${kind}-quote`,
  },
  openBrace: { kind: 'invalid', message: () => "syntax error: missing '}'" },
  badSubstitution: { kind: 'invalid', message: () => 'syntax error: bad substitution' },
  badModifier: {
    kind: 'invalid',
    message: (modifier: string) => `unsupported modifier (${modifier}) in substitution`,
  },
  requiredVariable: { kind: 'invalid', message: (name: string, why: string) => `${name}: ${why}` },
  deepExpansion: { kind: 'invalid', message: (depth: number) => `variables are nested deeper than ${depth} levels` },
  longExpansion: {
    kind: 'invalid',
    message: (characters: number) => `the value with its variables replaced is longer than ${characters} characters`,
  },

  // Stages, images, contexts.
  noTarget: {
    kind: 'invalid',
    message: (name: string, hint: string) => `target stage ${quoted(name)} could not be found${hint}`,
  },
  blankBase: { kind: 'invalid', message: (text: string) => `base name (${text}) should not be blank` },
  badBase: {
    kind: 'invalid',
    message: (name: string, why: string) => `failed to parse stage name ${quoted(name)}: ${why}`,
  },
  emptyPlatform: {
    kind: 'invalid',
    message: (text: string, hint: string) => `empty platform value from expression ${text}${hint}`,
  },
  badPlatform: {
    kind: 'invalid',
    message: (text: string, why: string, hint: string) => `failed to parse platform ${text}: ${why}${hint}`,
  },
  stageIndex: { kind: 'invalid', message: (index: string) => `invalid stage index ${index}` },
  circular: { kind: 'invalid', message: (stage: string) => `circular dependency detected on stage: ${stage}` },
  laterStage: {
    kind: 'invalid',
    message: (from: string, stage: string) =>
      `cannot copy from stage ${quoted(from)}, it needs to be defined before current stage ${quoted(stage)}`,
  },
  laterMount: {
    kind: 'invalid',
    message: (from: string, stage: string) =>
      `cannot mount from stage ${quoted(from)} to ${quoted(stage)}, stage needs to be defined before current command`,
  },
  badContext: {
    kind: 'invalid',
    message: (name: string, value: string) =>
      `build context ${quoted(name)} is given as ${quoted(value)}: it has to be docker-image://, oci-layout://, local:, ` +
      'a git URL, or an http(s) URL',
  },
  unlinked: {
    kind: 'invalid',
    message: (name: string, value: string) =>
      `build context ${quoted(name)} is ${quoted(value)}, the result of another build: build both with docker buildx bake`,
  },

  // COPY and ADD.
  manySources: {
    kind: 'invalid',
    message: (name: string) =>
      `When using ${name} with more than one source file, the destination must be a directory and end with a /`,
  },
  badChmod: {
    kind: 'invalid',
    message: (mode: string) => `invalid chmod parameter: '${mode}'. it should be octal string and between 0 and 07777`,
  },
  badChown: { kind: 'invalid', message: (owner: string) => `invalid chown parameter: '${owner}'` },
  linkedChown: {
    kind: 'invalid',
    message: (owner: string) =>
      `--chown=${owner}: user and group names can't be resolved when used with --link, use numeric uid[:gid] instead`,
  },
  copyUrl: { kind: 'invalid', message: () => "source can't be a URL for COPY" },
  copyGit: { kind: 'invalid', message: () => "source can't be a git ref for COPY" },
  checksumSources: { kind: 'invalid', message: () => "checksum can't be specified for multiple sources" },
  checksumKind: { kind: 'invalid', message: () => 'checksum requires HTTP(S) or Git sources' },
  badChecksum: { kind: 'invalid', message: (text: string) => `invalid checksum digest format: ${quoted(text)}` },
  checksumConflict: {
    kind: 'invalid',
    message: (flag: string, url: string) => `checksum mismatch ${quoted(flag)} != ${quoted(url)}`,
  },
  keepGitConflict: { kind: 'invalid', message: () => 'inconsistent keep-git-dir configuration' },
  gitUrl: { kind: 'invalid', message: (url: string, why: string) => `git URL ${quoted(url)}: ${why}` },

  // What goes into the image's config.
  longHistory: {
    kind: 'invalid',
    message: (mebibytes: number) => `the image's history would be longer than ${mebibytes} MiB`,
  },
  badPort: { kind: 'invalid', message: (what: string) => what },
  badSignal: { kind: 'invalid', message: (signal: string) => `invalid signal: ${signal}` },
  emptyVolume: { kind: 'invalid', message: () => 'VOLUME specified can not be an empty string' },
  badEpoch: { kind: 'invalid', message: (value: string) => `invalid SOURCE_DATE_EPOCH: ${value}` },

  // Lint and ignore files.
  checkOption: {
    kind: 'invalid',
    message: (text: string) => `failed to parse check options: invalid check option ${quoted(text)}`,
  },
  lint: { kind: 'invalid', message: (rules: string) => `lint violation found for rules: ${rules}` },
});
