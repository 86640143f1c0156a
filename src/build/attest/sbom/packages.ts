/** Lists of installed software as package managers keep them, read line by line. Pure; what is not understood is passed over. */

export interface InstalledPackage {
  readonly manager: 'deb' | 'apk';
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** Of the package it was built from, where it has another name. */
  readonly source: string;
  readonly maintainer: string;
  /** As the package says it; '' where it does not. */
  readonly license: string;
}

export interface Distribution {
  /** `debian`, `alpine`; '' where it is not known. */
  readonly id: string;
  readonly version: string;
  readonly title: string;
}

/** Blocks of `Name: value` lines; a line that begins with a space goes on with the value before. spec: deb-control(5). */
export function parseDpkgStatus(text: string): InstalledPackage[] {
  return text.split(/\n[ \t]*\n/).flatMap((block): InstalledPackage[] => {
    const fields = new Map<string, string>();
    for (const line of block.split('\n')) {
      const at = line.indexOf(':');
      if (at > 0 && !/^\s/.test(line)) fields.set(line.slice(0, at).toLowerCase(), line.slice(at + 1).trim());
    }
    const name = fields.get('package') ?? '';
    const status = fields.get('status');
    // Without a status it is a list of what is there, as images without a package manager have.
    const isThere =
      status === undefined || /^\S+ \S+ (?:installed|triggers-\S+|half-configured|unpacked)$/.test(status);
    if (name === '' || !isThere) return [];
    return [
      {
        manager: 'deb',
        name,
        version: fields.get('version') ?? '',
        architecture: fields.get('architecture') ?? '',
        source: (fields.get('source') ?? '').replace(/\s*\(.*$/, ''),
        maintainer: fields.get('maintainer') ?? '',
        license: '',
      },
    ];
  });
}

/** Blocks of `K:value` lines. spec: apk's database of installed packages, lines P V A o m L. */
export function parseApkInstalled(text: string): InstalledPackage[] {
  return text.split(/\n\s*\n/).flatMap((block): InstalledPackage[] => {
    const fields = new Map<string, string>();
    for (const line of block.split('\n')) {
      // Lines of files come after those of the package and have other letters.
      if (line[1] === ':' && !fields.has(line[0]!)) fields.set(line[0]!, line.slice(2).trim());
    }
    const name = fields.get('P') ?? '';
    if (name === '') return [];
    return [
      {
        manager: 'apk',
        name,
        version: fields.get('V') ?? '',
        architecture: fields.get('A') ?? '',
        source: fields.get('o') ?? '',
        maintainer: fields.get('m') ?? '',
        license: fields.get('L') ?? '',
      },
    ];
  });
}

/** spec: os-release(5). */
export function parseOsRelease(text: string): Distribution {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^([A-Z_]+)=(.*)$/.exec(line.trim()) ?? [];
    if (name === undefined) continue;
    fields.set(name, (value ?? '').replace(/^(["'])(.*)\1$/, '$2').replaceAll(/\\(["$`\\])/g, '$1'));
  }
  return {
    id: fields.get('ID') ?? '',
    version: fields.get('VERSION_ID') ?? '',
    title: fields.get('PRETTY_NAME') ?? '',
  };
}
