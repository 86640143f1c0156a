/** Installed packages → a document of SPDX 2.3. Pure: the same packages at the same time give the same document. */
import { digestOf, digestParts } from '#base';
import type { Distribution, InstalledPackage } from './packages.ts';

export interface SpdxFacts {
  /** What the document is about. */
  readonly name: string;
  readonly packages: readonly InstalledPackage[];
  readonly distribution: Distribution;
  /** RFC 3339, whole seconds. */
  readonly createdAt: string;
}

export function spdxDocument({ name, packages, distribution, createdAt }: SpdxFacts): object {
  const sorted = packages.toSorted((a, b) => compare(idText(a), idText(b)));
  const described = sorted.map((each, index) => describe(each, index, distribution));
  const root = {
    name,
    SPDXID: 'SPDXRef-DocumentRoot',
    ...(distribution.version === '' ? {} : { versionInfo: distribution.version }),
    primaryPackagePurpose: 'CONTAINER',
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: 'NOASSERTION',
    copyrightText: 'NOASSERTION',
    ...(distribution.title === '' ? {} : { comment: distribution.title }),
  };
  const body = [root, ...described];
  const { hex } = digestParts(digestOf(JSON.stringify([createdAt, body])));
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name,
    documentNamespace: `https://spdx.org/spdxdocs/skiff-${hex}`,
    creationInfo: { created: createdAt, creators: ['Tool: skiff'] },
    packages: body,
    relationships: [
      relation('SPDXRef-DOCUMENT', 'DESCRIBES', root.SPDXID),
      ...described.map(({ SPDXID }) => relation(root.SPDXID, 'CONTAINS', SPDXID)),
    ],
  };
}

function describe(each: InstalledPackage, index: number, { id, version }: Distribution) {
  const { manager, name, architecture, source, maintainer, license } = each;
  const distribution = id || (manager === 'deb' ? 'debian' : 'alpine');
  const qualifiers = [
    ...(architecture === '' ? [] : [`arch=${encodeURIComponent(architecture)}`]),
    ...(version === '' ? [] : [`distro=${encodeURIComponent(`${distribution}-${version}`)}`]),
    ...(source === '' || source === name ? [] : [`upstream=${encodeURIComponent(source)}`]),
  ];
  const locator = `pkg:${manager}/${encodeURIComponent(distribution)}/${encodeURIComponent(name)}@${encodeURIComponent(each.version)}`;
  return {
    name,
    SPDXID: `SPDXRef-Package-${manager}-${name.replaceAll(/[^A-Za-z0-9.-]/g, '-')}-${index}`,
    versionInfo: each.version,
    supplier: maintainer === '' ? 'NOASSERTION' : `Person: ${maintainer}`,
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: isExpression(license) ? license : 'NOASSERTION',
    copyrightText: 'NOASSERTION',
    externalRefs: [
      {
        referenceCategory: 'PACKAGE-MANAGER',
        referenceType: 'purl',
        referenceLocator: `${locator}${qualifiers.length === 0 ? '' : `?${qualifiers.join('&')}`}`,
      },
    ],
  };
}

/** spec: SPDX 2.3, Annex D: names joined with AND, OR and WITH; anything else would make the document invalid. */
const isExpression = (text: string): boolean =>
  /^\(?[A-Za-z0-9.+-]+\)?(?: (?:AND|OR|WITH) \(?[A-Za-z0-9.+-]+\)?)*$/.test(text);

const relation = (spdxElementId: string, relationshipType: string, relatedSpdxElement: string) => ({
  spdxElementId,
  relationshipType,
  relatedSpdxElement,
});

const idText = ({ manager, name, version, architecture }: InstalledPackage): string =>
  `${manager} ${name} ${version} ${architecture}`;
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
