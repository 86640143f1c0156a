import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { PassThrough, Readable } from 'node:stream';
import { test } from 'node:test';
import { main } from '../main.ts';
import { processSignals } from '../streams/signals.ts';
import { userFiles } from '../user-files.ts';

const results = [
  {
    name: 'nginx',
    description: 'Official build of Nginx.\nSecond line, which goes on',
    star_count: 20_000,
    is_official: true,
  },
  { name: 'me/nginx', description: '', star_count: 0, is_official: false },
];

test('search prints what the daemon found, and sends it the credentials of the registry', async () => {
  const folder = mkdtempSync(`${tmpdir()}/skiff-search-`);
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const auth = request.headers['x-registry-auth'];
    const user = typeof auth === 'string' ? Buffer.from(auth, 'base64url').toString() : 'nobody';
    asked.push(`${request.url} ${user}`);
    response.end(JSON.stringify(results));
  });
  await new Promise<void>((resolve) => server.listen(`${folder}/sock`, resolve));
  const skiff = async (...args: string[]): Promise<string> => {
    const stdout = new PassThrough();
    const environment = { SKIFF_HOST: `unix://${folder}/sock`, DOCKER_CONFIG: folder };
    const streams = { stdin: Readable.from([]), stdout, stderr: new PassThrough() };
    assert.equal(
      await main(['search', ...args], {
        ...streams,
        environment,
        workingDirectory: '/',
        files: userFiles,
        signals: processSignals,
      }),
      0,
    );
    return String(stdout.read() ?? '');
  };
  try {
    assert.equal(
      await skiff('nginx'),
      'NAME       DESCRIPTION                                     STARS     OFFICIAL\n' +
        'nginx      Official build of Nginx. Second line, which …   20000     [OK]\n' +
        'me/nginx                                                   0         \n',
    );
    writeFileSync(`${folder}/config.json`, '{"auths":{"https://index.docker.io/v1/":{"auth":"YW5uOng="}}}');
    assert.equal(
      await skiff('--limit=5', '-f', 'stars=3', '--format', '{{.Name}} {{.StarCount}}', 'nginx'),
      'nginx 20000\nme/nginx 0\n',
    );
    assert.deepEqual(asked, [
      '/images/search?term=nginx nobody',
      '/images/search?term=nginx&limit=5&filters=%7B%22stars%22%3A%5B%223%22%5D%7D {"username":"ann","password":"x","serveraddress":"https://index.docker.io/v1/"}',
    ]);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
  }
});
