import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyImageConfig, type ImageRecord } from '#images';
import { summarizeImage } from './list.ts';

const image: ImageRecord = {
  version: 2,
  id: `sha256:${'a'.repeat(64)}` as ImageRecord['id'],
  tags: [],
  repoDigests: [],
  manifests: [],
  createdAt: '2026-01-02T03:04:05Z',
  platform: { os: 'linux', architecture: 'amd64' },
  author: '',
  comment: '',
  dockerVersion: '',
  config: emptyImageConfig,
  history: [],
  layers: [],
  sizeBytes: 5,
  taggedAt: '',
};

test('names and sizes are told as each version of the API has them', () => {
  const check = (change: Partial<ImageRecord>, minorVersion: number, expected: object): void => {
    const options = { shared: -1, containers: -1, minorVersion };
    const { RepoTags, RepoDigests, VirtualSize } = summarizeImage({ ...image, ...change }, options);
    assert.deepEqual(
      { RepoTags, RepoDigests, VirtualSize },
      { VirtualSize: undefined, ...expected },
      `1.${minorVersion}`,
    );
  };
  check({}, 41, { RepoTags: ['<none>:<none>'], RepoDigests: ['<none>@<none>'], VirtualSize: 5 });
  check({}, 43, { RepoTags: [], RepoDigests: [], VirtualSize: 5 });
  check({}, 44, { RepoTags: [], RepoDigests: [] });
  check({ tags: ['a:1'] }, 42, { RepoTags: ['a:1'], RepoDigests: null, VirtualSize: 5 });
  check({ tags: ['a:1'] }, 51, { RepoTags: ['a:1'], RepoDigests: [] });
});
