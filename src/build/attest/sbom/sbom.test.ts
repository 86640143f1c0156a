import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseApkInstalled, parseDpkgStatus, parseOsRelease } from './packages.ts';
import { spdxDocument } from './spdx.ts';

const DPKG = `Package: bash
Status: install ok installed
Priority: required
Maintainer: Matthias Klose <doko@debian.org>
Architecture: amd64
Source: bash (5.1)
Version: 5.1-2+deb11u1
Description: GNU Bourne Again SHell
 Version: 9 in a description is no version
 .

Package: gone
Status: deinstall ok config-files
Version: 1

Package: libc6
Status: install ok installed
Architecture: amd64
Source: glibc
Version: 2.31-13
`;

const APK = `C:Q1abc
P:musl
V:1.2.4-r2
A:x86_64
L:MIT
o:musl
m:Timo Teras <timo.teras@iki.fi>
F:lib
R:ld-musl-x86_64.so.1
a:0:0:755

P:zlib
V:1.3-r0
A:x86_64
L:Zlib
`;

test('packages that are there, as dpkg and apk keep them', () => {
  const deb = parseDpkgStatus(DPKG).map(({ name, version, source }) => [name, version, source]);
  assert.deepEqual(deb, [
    ['bash', '5.1-2+deb11u1', 'bash'],
    ['libc6', '2.31-13', 'glibc'],
  ]);
  const apk = parseApkInstalled(APK).map(({ name, version, license }) => [name, version, license]);
  assert.deepEqual(apk, [
    ['musl', '1.2.4-r2', 'MIT'],
    ['zlib', '1.3-r0', 'Zlib'],
  ]);
  const release = 'ID=debian\nVERSION_ID="11"\nPRETTY_NAME="Debian \\"11\\""\n# no\n';
  assert.deepEqual(parseOsRelease(release), { id: 'debian', version: '11', title: 'Debian "11"' });
});

test('a document of SPDX 2.3: the same packages give the same, in whatever order they come', () => {
  const packages = [...parseDpkgStatus(DPKG), ...parseApkInstalled(APK)];
  const facts = {
    name: 'mine',
    distribution: { id: 'debian', version: '11', title: '' },
    createdAt: '2026-01-01T00:00:00Z',
  };
  const document = spdxDocument({ ...facts, packages }) as Record<string, never>;
  assert.deepEqual(document, spdxDocument({ ...facts, packages: packages.toReversed() }));
  const { packages: listed, relationships } = document as unknown as {
    packages: { SPDXID: string; licenseDeclared: string; externalRefs?: { referenceLocator: string }[] }[];
    relationships: { relationshipType: string }[];
  };
  assert.equal(new Set(listed.map(({ SPDXID }) => SPDXID)).size, 5);
  assert.ok(listed.every(({ SPDXID }) => /^SPDXRef-[A-Za-z0-9.-]+$/.test(SPDXID)));
  const urls = listed.flatMap(
    ({ externalRefs }) => externalRefs?.map(({ referenceLocator }) => referenceLocator) ?? [],
  );
  assert.ok(urls.includes('pkg:deb/debian/libc6@2.31-13?arch=amd64&distro=debian-11&upstream=glibc'));
  assert.deepEqual(
    relationships.map(({ relationshipType }) => relationshipType),
    ['DESCRIBES', ...Array.from({ length: 4 }, () => 'CONTAINS')],
  );
});

test('a licence that is no expression of SPDX is not declared', () => {
  const [musl] = parseApkInstalled(APK);
  const declared = (license: string): string => {
    const document = spdxDocument({
      ...{ name: 'x', distribution: { id: '', version: '', title: '' }, createdAt: '' },
      packages: [{ ...musl!, license }],
    }) as { packages: { licenseDeclared: string }[] };
    return document.packages[1]!.licenseDeclared;
  };
  assert.deepEqual(['GPL-2.0-or-later AND MIT', 'custom: see file', ''].map(declared), [
    'GPL-2.0-or-later AND MIT',
    'NOASSERTION',
    'NOASSERTION',
  ]);
});

test('fuzz: whatever a file holds, it is a list, perhaps an empty one', () => {
  let state = 11;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state % below;
  };
  for (let round = 0; round < 300; round++) {
    const bytes = Buffer.from(`${DPKG}\n${APK}`);
    for (let change = random(40); change >= 0; change--) bytes[random(bytes.length)] = random(256);
    const text = bytes.toString();
    for (const { name } of [...parseDpkgStatus(text), ...parseApkInstalled(text)]) assert.notEqual(name, '');
    parseOsRelease(text);
  }
});
