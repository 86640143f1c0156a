/** The real `docker build` and `docker buildx`, at a daemon of a test's: the plugin is made once. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { installBuildx } from './go-programs.ts';

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder with a client's configuration, and commands run in it. */
export class BuildxClient {
  readonly folder: string;
  readonly #socket: string;

  constructor(folder: string, socket: string) {
    this.folder = folder;
    this.#socket = socket;
    mkdirSync(`${folder}/config/cli-plugins`, { recursive: true });
    symlinkSync(installBuildx(), `${folder}/config/cli-plugins/docker-buildx`);
  }

  write(files: Readonly<Record<string, string>>): void {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(`${this.folder}/${path}`.replace(/\/[^/]*$/, ''), { recursive: true });
      writeFileSync(`${this.folder}/${path}`, text);
    }
  }

  start(
    program: string,
    args: readonly string[],
    input: string | Buffer = '',
    more: NodeJS.ProcessEnv = {},
  ): ChildProcess & { readonly ended: Promise<Ended & { readonly bytes: Buffer }> } {
    const { folder } = this;
    const env = { DOCKER_HOST: `unix://${this.#socket}`, DOCKER_CONFIG: `${folder}/config`, HOME: folder };
    const child = spawn(program, args, { cwd: folder, env: { ...process.env, ...env, ...more } });
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    const chunks: Buffer[] = [];
    let stderr = '';
    child.stdout.on('data', (data: Buffer) => chunks.push(data));
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    const ended = new Promise<Ended & { readonly bytes: Buffer }>((resolve) =>
      child.once('close', (status) => {
        const bytes = Buffer.concat(chunks);
        resolve({ status, bytes, stdout: bytes.toString(), stderr });
      }),
    );
    return Object.assign(child, { ended });
  }

  docker(args: readonly string[], input?: string | Buffer): Promise<Ended & { readonly bytes: Buffer }> {
    return this.start('docker', args, input).ended;
  }
}
