import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packageUrl, statement } from './attestation.ts';
import { readAttestWish } from './attest-wish.ts';

test('attributes and build arguments say which statements are wanted', () => {
  assert.deepEqual(readAttestWish({}), {});
  const { provenance, sbom } = readAttestWish({
    'attest:provenance': 'mode=min,inline-only=true',
    'build-arg:BUILDKIT_ATTEST_SBOM': 'type=sbom',
  });
  assert.deepEqual([provenance?.mode, provenance?.version, provenance?.isInlineOnly], ['min', 'v1', true]);
  assert.deepEqual(sbom, { fileName: 'sbom.spdx.json' });
  const full = readAttestWish({
    'attest:provenance': 'version=v0.2,builder-id=https://me,reproducible=true,filename=p',
  });
  assert.deepEqual(full.provenance, {
    ...{
      mode: 'max',
      version: 'v0.2',
      isInlineOnly: false,
      builderId: 'https://me',
      isReproducible: true,
      fileName: 'p',
    },
  });
  assert.deepEqual(readAttestWish({ 'attest:provenance': 'disabled=true', 'attest:sbom': 'disabled=1' }), {});
});

test('what cannot be stated is refused by its name', () => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ['attest:other', '', /other: unknown attestation type/],
    ['attest:provenance', 'mode=half', /invalid mode "half"/],
    ['attest:provenance', 'version=v2', /invalid version "v2"/],
    ['attest:provenance', 'colour=red', /colour is not known/],
    ['attest:sbom', 'generator=some/scanner', /generator=some\/scanner is not supported/],
  ];
  for (const [name, value, message] of cases) {
    assert.throws(() => readAttestWish({ [name]: value }), { code: 'build.badAttestation', message });
  }
});

test('images by package URL, and a statement about them', () => {
  const platform = { os: 'linux', architecture: 'arm64', variant: 'v8' };
  const digest = `sha256:${'a'.repeat(64)}`;
  const cases: readonly (readonly [string, string])[] = [
    ['busybox', 'pkg:docker/busybox@latest?platform=linux%2Farm64'],
    ['docker.io/library/busybox:1', 'pkg:docker/busybox@1?platform=linux%2Farm64'],
    ['host:5000/a/b:2', 'pkg:docker/host:5000/a/b@2?platform=linux%2Farm64'],
    [`a/b@${digest}`, `pkg:docker/a/b?digest=${digest}&platform=linux%2Farm64`],
  ];
  for (const [name, expected] of cases) assert.equal(packageUrl(name, platform), expected);
  const made = { predicateType: 't', isInlineOnly: false, fileName: 'f', predicate: { x: 1 } };
  assert.deepEqual(statement(made, [{ name: 'n', digest: { sha256: 'd' } }]), {
    _type: 'https://in-toto.io/Statement/v1',
    predicateType: 't',
    subject: [{ name: 'n', digest: { sha256: 'd' } }],
    predicate: { x: 1 },
  });
});
