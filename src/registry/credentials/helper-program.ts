/** Programs that keep credentials, `docker-credential-NAME`: one verb, JSON in and out. spec: docker-credential-helpers. */
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { errnoCode, messageOf } from '#base';
import { Fields, parseDocument } from '#specs';
import type { AuthConfig } from '../client/config.ts';
import { errors } from '../errors.ts';

/** compat: the user name that says the secret is an identity token. */
const TOKEN_USER = '<token>';
const MAX_OUTPUT = 1024 * 1024;
const NOT_FOUND = 'credentials not found in native keychain';

export class CredentialHelper {
  readonly #name: string;
  readonly #environment: Readonly<Record<string, string | undefined>>;

  constructor(name: string, environment: Readonly<Record<string, string | undefined>>) {
    this.#name = name;
    this.#environment = environment;
  }

  /** Undefined when it has none. Throws `registry.helperFailed`. */
  async get(server: string): Promise<AuthConfig | undefined> {
    const { code, output } = await this.#run('get', server);
    if (code !== 0) {
      if (output.trim() === NOT_FOUND) return undefined;
      throw errors.helperFailed('getting', `exit status ${code}, out: \`${output.trim()}\``);
    }
    try {
      const fields = new Fields(parseDocument(output, 'its answer'), 'its answer', '');
      const username = fields.text('Username') ?? '';
      const secret = fields.text('Secret') ?? '';
      const serverAddress = fields.text('ServerURL') || server;
      return username === TOKEN_USER
        ? { serverAddress, identityToken: secret }
        : { serverAddress, username, password: secret };
    } catch (error) {
      throw errors.helperFailed('getting', messageOf(error));
    }
  }

  async store(server: string, auth: AuthConfig): Promise<void> {
    const credentials = {
      ServerURL: server,
      Username: auth.identityToken ? TOKEN_USER : (auth.username ?? ''),
      Secret: auth.identityToken || (auth.password ?? ''),
    };
    const { code, output } = await this.#run('store', JSON.stringify(credentials));
    if (code !== 0) throw errors.helperFailed('storing', `exit status ${code}, out: \`${output.trim()}\``);
  }

  /** What is not there is no error. */
  async erase(server: string): Promise<void> {
    const { code, output } = await this.#run('erase', server);
    if (code !== 0 && output.trim() !== NOT_FOUND) {
      throw errors.helperFailed('erasing', `exit status ${code}, out: \`${output.trim()}\``);
    }
  }

  /** Servers it has credentials for, with their users. */
  async list(): Promise<ReadonlyMap<string, string>> {
    const { code, output } = await this.#run('list', '');
    if (code !== 0) throw errors.helperFailed('listing', `exit status ${code}, out: \`${output.trim()}\``);
    try {
      const fields = new Fields({ list: parseDocument(output, 'its answer') }, 'its answer', '');
      return new Map(Object.entries(fields.map('list') ?? {}));
    } catch (error) {
      throw errors.helperFailed('listing', messageOf(error));
    }
  }

  #run(verb: string, input: string): Promise<{ code: number; output: string }> {
    // The name comes from a file and becomes a program's: nothing with a slash, which would be a path.
    const program = `docker-credential-${this.#name}`;
    if (this.#name.includes('/')) throw errors.helperFailed(nounOf(verb), `'${program}' is no name of a program`);
    const { promise, resolve, reject } = Promise.withResolvers<{ code: number; output: string }>();
    const child = spawn(program, [verb], { stdio: ['pipe', 'pipe', 'inherit'], env: this.#environment });
    let output = '';
    child.stdout.on('data', (piece: Buffer) => {
      output += piece.toString('utf8');
      if (output.length > MAX_OUTPUT) child.kill('SIGKILL');
    });
    child.once('error', (error) => {
      const why =
        errnoCode(error) === 'ENOENT'
          ? `exec: ${JSON.stringify(program)}: executable file not found in $PATH, out: \`\``
          : messageOf(error);
      reject(errors.helperFailed(nounOf(verb), why));
    });
    child.once('close', (code) => resolve({ code: code ?? -1, output }));
    // It may end without having read anything.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    return promise;
  }
}

const nounOf = (verb: string): string =>
  ({ get: 'getting', store: 'storing', erase: 'erasing', list: 'listing' })[verb] ?? verb;

/**
 * compat: the helper that is taken when the file says nothing of credentials yet: `pass` where that is there, else the
 * desktop's secret service; empty when neither has its program.
 */
export function defaultHelper(environment: Readonly<Record<string, string | undefined>>): string {
  const name = isProgram('pass', environment) ? 'pass' : 'secretservice';
  return isProgram(`docker-credential-${name}`, environment) ? name : '';
}

function isProgram(name: string, environment: Readonly<Record<string, string | undefined>>): boolean {
  return (environment['PATH'] ?? '').split(':').some((folder) => {
    try {
      accessSync(`${folder || '.'}/${name}`, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
