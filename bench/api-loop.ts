/** create + start + wait + delete over the Engine API, one container after the other. */
import { Agent, request } from 'node:http';

export interface ApiClient {
  call(method: string, path: string, body?: unknown): Promise<string>;
}

export function apiClient(socketPath: string): ApiClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return {
    call: (method, path, body) =>
      new Promise((resolve, reject) => {
        const isBytes = body instanceof Uint8Array;
        const type = isBytes ? 'application/x-tar' : 'application/json';
        const sent = request(
          { socketPath, agent, method, path, headers: body ? { 'content-type': type } : {} },
          (response) => {
            let text = '';
            response.on('data', (chunk: Buffer) => (text += chunk.toString()));
            response.on('end', () =>
              (response.statusCode ?? 500) < 400
                ? resolve(text)
                : reject(new Error(`${method} ${path}: ${response.statusCode} ${text}`)),
            );
          },
        );
        sent.on('error', reject);
        sent.end(isBytes ? body : body && JSON.stringify(body));
      }),
  };
}

/** Milliseconds of one whole life of a container that runs `true` without a network. Throws when it did not succeed. */
export async function oneLife(client: ApiClient, image: string): Promise<number> {
  const start = performance.now();
  const body = { Image: image, Cmd: ['true'], HostConfig: { NetworkMode: 'none' } };
  const { Id: id } = JSON.parse(await client.call('POST', '/containers/create', body)) as { Id: string };
  await client.call('POST', `/containers/${id}/start`);
  const { StatusCode: code } = JSON.parse(await client.call('POST', `/containers/${id}/wait`)) as {
    StatusCode: number;
  };
  if (code !== 0) throw new Error(`'true' ended with ${code}`);
  await client.call('DELETE', `/containers/${id}`);
  return performance.now() - start;
}
