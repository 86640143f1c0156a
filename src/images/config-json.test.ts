import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Digest } from '#base';
import { encodeImageConfig } from './config-json.ts';
import { emptyImageConfig } from './image-record.ts';

const image = {
  createdAt: '2026-01-02T03:04:05Z',
  platform: { architecture: 'amd64', os: 'linux' },
  config: emptyImageConfig,
  diffIds: [`sha256:${'1'.repeat(64)}` as Digest],
  history: [{ created: '2026-01-02T03:04:05Z', comment: 'Imported from -' }],
  author: '',
  comment: 'Imported from -',
};

test("the config file has Docker's keys, and empty values are left out", () => {
  assert.deepEqual(JSON.parse(encodeImageConfig(image)), {
    architecture: 'amd64',
    comment: 'Imported from -',
    config: {},
    created: '2026-01-02T03:04:05Z',
    history: [{ created: '2026-01-02T03:04:05Z', comment: 'Imported from -' }],
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: [`sha256:${'1'.repeat(64)}`] },
  });
  const config = {
    user: 'me',
    env: ['A=1'],
    entrypoint: ['e'],
    command: ['c'],
    workingDirectory: '/w',
    labels: { a: 'b' },
    stopSignal: 'SIGINT',
    exposedPorts: ['80/tcp'],
    volumes: ['/v'],
    healthcheck: {
      test: ['CMD', 'true'],
      interval: 1_000_000_000,
      timeout: 0,
      startPeriod: 0,
      startInterval: 0,
      retries: 3,
    },
    onBuild: ['RUN true'],
    shell: ['/bin/ash', '-c'],
  };
  assert.deepEqual((JSON.parse(encodeImageConfig({ ...image, config })) as { config: unknown }).config, {
    User: 'me',
    ExposedPorts: { '80/tcp': {} },
    Env: ['A=1'],
    Entrypoint: ['e'],
    Cmd: ['c'],
    Volumes: { '/v': {} },
    WorkingDir: '/w',
    Labels: { a: 'b' },
    StopSignal: 'SIGINT',
    Healthcheck: { Test: ['CMD', 'true'], Interval: 1_000_000_000, Retries: 3 },
    OnBuild: ['RUN true'],
    Shell: ['/bin/ash', '-c'],
  });
});

test('the same image gives the same bytes', () => {
  assert.equal(encodeImageConfig(image), encodeImageConfig(structuredClone(image)));
});
