import { spawn } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { suite, test } from 'node:test';
import { useDaemon } from '../support/daemon.ts';
import { Registry } from '../support/registry.ts';
suite('play', { timeout: 400_000 }, () => {
  const daemon = useDaemon();
  test('script', async () => {
    await using registry = new Registry();
    await registry.start();
    mkdirSync('/tmp/w/config/cli-plugins', { recursive: true });
    symlinkSync('/var/tmp/out-bin/docker-buildx', '/tmp/w/config/cli-plugins/docker-buildx');
    const env = { ...process.env, DOCKER_HOST: `unix://${daemon.socket}`, DOCKER_CONFIG: '/tmp/w/config', HOME: '/tmp/w', REG: registry.address, DATA: daemon.dataRoot };
    const child = spawn('bash', ['/var/tmp/out-bin/script.sh'], { cwd: '/tmp/w', env, stdio: ['ignore', 'inherit', 'inherit'] });
    await new Promise((resolve) => child.once('close', resolve));
  });
});
