/** Secrets, agents and credentials of a build's client, asked for over its session when a step wants them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { RunGifts } from '#build';
import type { AuthConfig } from '#registry';
import { GrpcError, grpcCode } from '#rpc/grpc';
import { filesync, secrets, ssh } from '#specs/buildkit';
import type { Session } from './sessions.ts';

export function giftsOf(session: Session, runFolder: string): RunGifts {
  return {
    secret: async (id) => {
      if (!session.offers('/moby.buildkit.secrets.v1.Secrets/GetSecret')) return undefined;
      try {
        const { data } = await session.client.call(secrets.Secrets.method.getSecret, { ID: id });
        return Buffer.from(data);
      } catch (error) {
        if (error instanceof GrpcError && error.code === grpcCode.notFound) return undefined;
        throw error;
      }
    },
    sshSocket: async (id) => {
      if (!session.offers('/moby.sshforward.v1.SSH/ForwardAgent')) return undefined;
      try {
        await session.client.call(ssh.SSH.method.checkAgent, { ID: id });
      } catch (error) {
        if (error instanceof GrpcError) return undefined;
        throw error;
      }
      return forwardAgent(session, id, runFolder);
    },
  };
}

/** A socket whose connections end at the client's agent. */
async function forwardAgent(
  session: Session,
  id: string,
  runFolder: string,
): Promise<AsyncDisposable & { readonly path: string }> {
  const folder = mkdtempSync(`${runFolder}/ssh-`);
  const path = `${folder}/agent`;
  const server = createServer((socket) => {
    const stream = session.client.open(ssh.SSH.method.forwardAgent, { metadata: { 'buildkit.ssh.id': id } });
    const leave = (): void => {
      stream[Symbol.dispose]();
      socket.destroy();
    };
    socket.on('error', leave).once('close', leave);
    socket.on('data', (data: Buffer) => {
      socket.pause();
      void stream.send({ data }).then(() => socket.resume());
    });
    socket.once('end', () => stream.close());
    void (async () => {
      try {
        for await (const { data } of stream.answers) socket.write(data);
        socket.end();
      } catch {
        leave();
      }
    })();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Both empty for a client without. */
export async function credentialsOf(session: Session, host: string): Promise<AuthConfig> {
  if (!session.offers('/moby.filesync.v1.Auth/Credentials')) return {};
  const asked = host === 'docker.io' ? 'registry-1.docker.io' : host;
  const { Username, Secret } = await session.client.call(filesync.Auth.method.credentials, { Host: asked });
  if (Secret === '') return {};
  return Username === '' ? { identityToken: Secret } : { username: Username, password: Secret };
}
