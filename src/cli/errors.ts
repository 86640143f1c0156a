/** What the command line itself refuses, and the exit code a failed command ends with. */
import { because, defineErrors, SkiffError } from '#base';
import { isRefusal } from '#client';
import { NeedsOwnProcess } from './user-files.ts';

export const errors = defineErrors('cli', {
  invalid: { kind: 'invalid', message: (what: string) => what },
  notThere: {
    kind: 'not-implemented',
    message: (what: string, hint: string) => `${what} is not in this version of Skiff: ${hint}`,
  },
  noContext: {
    kind: 'not-found',
    // compat: Docker's words.
    message: (name: string, path: string) =>
      `context "${name}": context not found: open ${path}: no such file or directory`,
  },
  noSsh: { kind: 'unavailable', message: (why: string) => `cannot start ssh: ${why}: install an OpenSSH client` },
  sshFailed: {
    kind: 'unavailable',
    message: (host: string, code: number, said: string) =>
      `ssh to ${host} ended with exit code ${code}${said === '' ? '' : `: ${said}`}: try 'ssh ${host}', and whether ` +
      'skiff or docker is installed over there',
  },
  needsRoot: {
    kind: 'forbidden',
    message: () =>
      'no Skiff daemon runs here, and starting it takes root: run this once with sudo, or start skiffd as root',
  },
  noDaemon: {
    kind: 'unavailable',
    message: (what: string, log: string, tail: string) =>
      `skiffd ${what}; its log is ${log}${tail === '' ? '' : ` and ends with:${tail}`}`,
  },
});

/** Exit codes as Docker's: what the daemon could not do for `run`, and what the command line did not understand. */
export const exitCode = {
  failed: 1,
  /** compat: templates of `inspect`, `info` and `version` that cannot be read. */
  template: 64,
  usage: 125,
  daemon: 125,
  notExecutable: 126,
  notFound: 127,
  brokenPipe: 141,
} as const;

/** Ends the command with this code, saying this (nothing when empty). */
export class CommandFailure extends Error {
  readonly exitCode: number;

  constructor(message: string, code: number) {
    super(message);
    this.name = 'CommandFailure';
    this.exitCode = code;
  }
}

/** The command line does not follow the grammar: shown with the usage line. */
export class UsageError extends Error {
  readonly exitCode: number;

  constructor(message: string, code: number = exitCode.usage) {
    super(message);
    this.name = 'UsageError';
    this.exitCode = code;
  }
}

/** The words a failure is reported with: a daemon's refusal says where it comes from. */
export function describe(thrown: unknown): string {
  if (isRefusal(thrown)) return `Error response from daemon: ${thrown.message}`;
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** True for a refusal of that kind. */
export function isKind(thrown: unknown, kind: SkiffError['kind']): boolean {
  return thrown instanceof SkiffError && thrown.kind === kind;
}

/** A local file that cannot be used, with the system's reason in Docker's form. Throws NeedsOwnProcess on. */
export function fileError(operation: string, path: string, thrown: unknown): SkiffError {
  if (thrown instanceof NeedsOwnProcess) throw thrown;
  return because(errors.invalid(`${operation} ${path}: ${systemReason(thrown)}`), thrown);
}

function systemReason(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if ('code' in thrown && thrown.code === 'EISDIR') return 'is a directory';
  // Node writes `ENOENT: no such file or directory, open 'x'`.
  return /^[A-Z0-9]+: ([^,]+)/.exec(thrown.message)?.[1] ?? thrown.message;
}
