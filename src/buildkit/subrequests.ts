/**
 * What may be asked about a Dockerfile instead of a build: `--check`, `--call outline`, `--call targets`. Answers are metadata
 * of a result, as JSON for clients that know it, and as text for those that do not.
 */
import {
  type BuildRequest,
  type BuildTarget,
  type DockerfileCheck,
  listTargets,
  type Outline,
  outline,
  parseDockerfile,
  type SourceRange,
} from '#build';
import { errors } from './errors.ts';
import { rangeOf } from './refusals.ts';

export type Metadata = Record<string, Uint8Array>;

export interface QuestionParts {
  /** The Dockerfile's, as the client calls it. */
  readonly path: string;
  readonly text: string;
  readonly request: Omit<BuildRequest, 'buildPlatform'>;
  readonly check: () => Promise<DockerfileCheck>;
}

/** compat: of the answers' structure, the same for all. */
const VERSION = '1.0.0';

/** Throws `buildkit.noSubrequest`, and what the Dockerfile's parser throws. */
export async function answerSubrequest(name: string, parts: QuestionParts): Promise<Metadata> {
  const { text, request } = parts;
  switch (name) {
    case 'frontend.lint':
      return lintAnswer(parts, await parts.check());
    case 'frontend.outline':
      return outlineAnswer(text, outline(parseDockerfile(text), request.target, request.buildArgs));
    case 'frontend.targets':
      return targetsAnswer(text, listTargets(parseDockerfile(text)));
    case 'frontend.subrequests.describe':
      return describeAnswer();
    default:
      throw errors.noSubrequest(name);
  }
}

function answer(value: unknown, lines: readonly string[], more: Readonly<Record<string, string>> = {}): Metadata {
  const texts = {
    'result.json': JSON.stringify(value, undefined, 2),
    'result.txt': lines.map((line) => `${line}\n`).join(''),
    version: VERSION,
    ...more,
  };
  return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, Buffer.from(text)]));
}

const locationOf = ({ start, end }: SourceRange) => ({ ranges: [{ start: { line: start }, end: { line: end } }] });
const base64 = (text: string): string => Buffer.from(text).toString('base64');

function lintAnswer({ path, text }: QuestionParts, { warnings, error, statusCode }: DockerfileCheck): Metadata {
  const range = error && rangeOf(error);
  const value = {
    warnings: warnings.map(({ rule, description, url, detail, range: place }) => ({
      ruleName: rule,
      description,
      ...(url === '' ? {} : { url }),
      detail,
      location: locationOf(place),
    })),
    sources: [{ filename: path, language: 'Dockerfile', data: base64(text) }],
    ...(error ? { buildError: { message: error.message, ...(range ? { location: locationOf(range) } : {}) } } : {}),
  };
  const lines = warnings.flatMap(({ rule, url, detail, range: place }) => [
    '',
    `WARNING: ${rule}${url === '' ? '' : ` - ${url}`}`,
    detail,
    `${path}:${place.start}`,
  ]);
  // compat: warnings end a check with 1, also where they are no errors.
  const status = warnings.length > 0 || statusCode !== 0 ? '1' : '0';
  return answer(value, lines, { 'result.statuscode': status });
}

function outlineAnswer(text: string, { name, description, args, secrets, ssh, caches }: Outline): Metadata {
  const mounts = (given: Outline['secrets']) =>
    given.map(({ id, isRequired, range }) => ({
      name: id,
      ...(isRequired ? { required: true } : {}),
      location: locationOf(range),
    }));
  const value = {
    ...(name === '' ? {} : { name }),
    ...(description === '' ? {} : { description }),
    args: args.map((arg) => ({
      name: arg.name,
      ...(arg.description === '' ? {} : { description: arg.description }),
      ...(arg.value === undefined ? {} : { value: arg.value }),
      location: locationOf(arg.range),
    })),
    secrets: mounts(secrets),
    ssh: mounts(ssh),
    cache: caches.map(({ id, range }) => ({ ID: id, location: locationOf(range) })),
    sources: [base64(text)],
  };
  const table = (title: string, rows: readonly (readonly string[])[]): string[] =>
    rows.length === 0 ? [] : [title, ...rows.map((row) => row.join('\t')), ''];
  return answer(value, [
    `TARGET:\t${name || '(default)'}`,
    ...(description === '' ? [] : [`DESCRIPTION:\t${description}`]),
    '',
    ...table(
      'BUILD ARG\tVALUE\tDESCRIPTION',
      args.map((arg) => [arg.name, arg.value ?? '', arg.description]),
    ),
    ...table(
      'SECRET\tREQUIRED',
      secrets.map(({ id, isRequired }) => [id, isRequired ? 'true' : '']),
    ),
    ...table(
      'SSH\tREQUIRED',
      ssh.map(({ id, isRequired }) => [id, isRequired ? 'true' : '']),
    ),
  ]);
}

function targetsAnswer(text: string, targets: readonly BuildTarget[]): Metadata {
  const value = {
    targets: targets.map(({ name, isDefault, description, base, platform, range }) => ({
      ...(name === '' ? {} : { name }),
      ...(isDefault ? { default: true } : {}),
      ...(description === '' ? {} : { description }),
      base,
      ...(platform === '' ? {} : { platform }),
      location: locationOf(range),
    })),
    sources: [base64(text)],
  };
  const rows = targets.map(({ name, isDefault, description }) =>
    [[name, isDefault ? '(default)' : ''].filter((word) => word !== '').join(' '), description].join('\t'),
  );
  return answer(value, ['TARGET\tDESCRIPTION', ...rows]);
}

/** compat: names and sentences `--call subrequests.describe` shows. */
const questions = [
  { name: 'frontend.outline', description: 'List all parameters current build target supports' },
  { name: 'frontend.lint', description: 'Lint a Dockerfile' },
  { name: 'frontend.targets', description: 'List all targets current build supports' },
  { name: 'frontend.subrequests.describe', description: 'List available subrequest types' },
];

function describeAnswer(): Metadata {
  const value = questions.map(({ name, description }) => ({
    name,
    version: VERSION,
    type: 'rpc',
    description,
    opts: name === 'frontend.outline' ? [{ name: 'target', description: 'Target build stage' }] : [],
    inputs: [],
    metadata: [...['result.json', 'result.txt'], ...(name === 'frontend.lint' ? ['result.statuscode'] : [])].map(
      (each) => ({ name: each, description: '' }),
    ),
    refs: [],
  }));
  const rows = questions.map(({ name, description }) =>
    [name.replace('frontend.', ''), VERSION, description].join('\t'),
  );
  return answer(value, ['NAME\tVERSION\tDESCRIPTION', ...rows]);
}
