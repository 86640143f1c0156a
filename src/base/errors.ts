/**
 * Errors are made once, by kind, and projected once per protocol (HTTP status, gRPC status, exit code).
 *
 * Each module has a catalogue made with `defineErrors`; the catalogue lists everything that module can refuse.
 */

export type ErrorKind =
  | 'not-found'
  | 'invalid'
  | 'conflict'
  | 'not-modified'
  | 'unauthorized'
  | 'forbidden'
  | 'unavailable'
  | 'not-implemented'
  | 'cancelled'
  | 'deadline'
  | 'internal';

export interface ErrorOptions {
  readonly cause?: unknown;
  /** Machine-readable facts about the refusal, such as the exit code Docker's clients expect. */
  readonly details?: Readonly<Record<string, string | number>>;
}

/** A refusal or failure a user can act on. `code` is stable (`container.noSuch`), `message` is for people. */
export class SkiffError extends Error {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly details: Readonly<Record<string, string | number>>;

  constructor(kind: ErrorKind, code: string, message: string, options: ErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = 'SkiffError';
    this.kind = kind;
    this.code = code;
    this.details = options.details ?? {};
  }
}

interface ErrorDefinition<Args extends readonly never[]> {
  readonly kind: ErrorKind;
  readonly message: (...args: Args) => string;
}

type Factory<Message extends (...args: never[]) => string> = (...args: Parameters<Message>) => SkiffError;

/**
 * Makes a catalogue of error factories with codes `module.name`.
 * Attach a cause with `because(errors.name(…), cause)`.
 */
export function defineErrors<const Table extends Readonly<Record<string, ErrorDefinition<never[]>>>>(
  module: string,
  table: Table,
): { readonly [Name in keyof Table]: Factory<Table[Name]['message']> } {
  const entries = Object.entries(table).map(([name, { kind, message }]) => [
    name,
    (...args: never[]) => new SkiffError(kind, `${module}.${name}`, message(...args)),
  ]);
  return Object.fromEntries(entries) as { readonly [Name in keyof Table]: Factory<Table[Name]['message']> };
}

/** The same error with the failure that led to it, for the log's chain. */
export function because(error: SkiffError, cause: unknown): SkiffError {
  error.cause = cause;
  return error;
}

/** What a thrown value says, in one line, whatever it is. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The errno name (`ENOENT`) of an error of Node's system calls, or undefined. */
export function errnoCode(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}

/** A kernel's refusal: which call, on what, with which errno. Born in `linux`, wrapped by the module above. */
export class SyscallError extends Error {
  readonly syscall: string;
  readonly errno: string;
  readonly subject: string;

  constructor(syscall: string, errno: string, subject: string) {
    super(subject === '' ? `${syscall}: ${errno}` : `${syscall}: ${subject}: ${errno}`);
    this.name = 'SyscallError';
    this.syscall = syscall;
    this.errno = errno;
    this.subject = subject;
  }
}
