/** Makes the statements about a build that were asked for, one list per output. */
import { formatTimeNs, nowNs } from '#base';
import { hostPlatform } from '#images';
import { formatPlatform, type Platform } from '#specs';
import type { BuiltOutput } from '../export/built.ts';
import { stackTree } from '../files/source-tree.ts';
import type { BuildGraph, StepId } from '../graph.ts';
import type { BuildParts } from '../parts.ts';
import { inputsOf } from '../solve/result.ts';
import type { Solved } from '../solve/solver.ts';
import { type Attestation, packageUrl } from './attestation.ts';
import type { AttestWish, ProvenanceWish } from './attest-wish.ts';
import { gitUri, type Material, provenance, withoutPassword } from './provenance.ts';
import { scan } from './sbom/scan.ts';
import { spdxDocument } from './sbom/spdx.ts';

export interface AttestRequest {
  readonly wish: AttestWish;
  /** A statement of its origin for the build's record, whether its client wants one or not. */
  readonly record?: ProvenanceWish;
  /** Attributes of the front end, as the client sent them. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly dockerfile: { readonly name: string; readonly text: string };
  /** Images the build began with, by what their steps call them. */
  readonly images: ReadonlyMap<string, UsedImage>;
  /** Roots to look through for software besides the outputs'. */
  readonly scans: readonly StepId[];
  readonly invocationId: string;
  readonly startedNs: bigint;
}

export interface UsedImage {
  /** As the Dockerfile has it. */
  readonly name: string;
  readonly platform: Platform;
  /** Of its manifest or index; undefined where it is not known. */
  readonly digest: string | undefined;
}

/** By the id of the output's platform. */
export async function attestations(
  parts: BuildParts,
  solved: Solved,
  { graph, outputs, attest }: { graph: BuildGraph; outputs: readonly BuiltOutput[]; attest: AttestRequest },
): Promise<Map<string, Attestation[]>> {
  const made = new Map<string, Attestation[]>();
  for (const output of outputs) {
    const { wish } = attest;
    const all: Attestation[] = [];
    if (wish.provenance) all.push(originOf({ graph, solved, output, attest }, wish.provenance));
    if (wish.sbom) all.push(...(await inventories(parts, solved, { graph, output, attest })));
    made.set(output.platformId, all);
  }
  return made;
}

/** Where each output came from, for the build's record; by the id of its platform. */
export function recordedOrigins(
  solved: Solved,
  { graph, outputs, attest }: { graph: BuildGraph; outputs: readonly BuiltOutput[]; attest: AttestRequest },
): Map<string, Attestation> {
  const { record } = attest;
  if (!record) return new Map();
  return new Map(
    outputs.map((output) => [output.platformId, originOf({ graph, solved, output, attest }, record)] as const),
  );
}

interface Origin {
  readonly graph: BuildGraph;
  readonly solved: Solved;
  readonly output: BuiltOutput;
  readonly attest: AttestRequest;
}

function originOf({ graph, solved, output, attest }: Origin, wish: ProvenanceWish): Attestation {
  const { attributes, dockerfile, images, invocationId, startedNs } = attest;
  const needed = neededFor(graph, output.root);
  return provenance({
    ...{ wish, graph, needed, attributes, dockerfile, invocationId },
    materials: materialsOf({ graph, solved, needed }, images),
    builderPlatform: hostPlatform(),
    targetPlatform: output.platform,
    startedAt: formatTimeNs(startedNs),
    finishedAt: formatTimeNs(nowNs()),
  });
}

/** The steps an output needs, in their order. */
function neededFor({ steps }: BuildGraph, root: StepId | undefined): StepId[] {
  const needed = new Set<StepId>();
  const visit = (id: StepId): void => {
    if (needed.has(id)) return;
    needed.add(id);
    inputsOf(steps[id]!).forEach(visit);
  };
  if (root !== undefined) visit(root);
  return [...needed].sort((a, b) => a - b);
}

function materialsOf(
  { graph, solved, needed }: Pick<Origin, 'graph' | 'solved'> & { readonly needed: readonly StepId[] },
  images: ReadonlyMap<string, UsedImage>,
): Material[] {
  const materials = new Map<string, Material>();
  const add = (uri: string, digest: string | undefined): void =>
    void materials.set(uri, { uri, digest: digestOf(digest) });
  for (const id of needed) {
    const step = graph.steps[id]!;
    const result = solved.resultOf(id);
    const fetched = result?.kind === 'snapshot' ? result.sourceDigest : undefined;
    if (step.kind === 'image') {
      const image = images.get(`${step.reference} ${formatPlatform(step.platform)}`);
      if (image) add(packageUrl(image.name, image.platform), image.digest);
    } else if (step.kind === 'http') add(withoutPassword(step.url), fetched ?? step.checksum);
    else if (step.kind === 'git') add(gitUri(step), fetched);
  }
  return [...materials.values()];
}

function digestOf(digest = ''): Readonly<Record<string, string>> {
  const [algorithm = '', hex] = digest.split(':');
  return hex === undefined ? {} : { [algorithm]: hex };
}

interface Inventory {
  readonly graph: BuildGraph;
  readonly output: BuiltOutput;
  readonly attest: AttestRequest;
}

async function inventories(
  { layers, facts, runtime }: BuildParts,
  solved: Solved,
  { graph, output, attest }: Inventory,
): Promise<Attestation[]> {
  const epoch = attest.attributes['build-arg:SOURCE_DATE_EPOCH'] ?? '';
  const seconds = /^\d{1,12}$/.test(epoch) ? Number(epoch) : Number(attest.startedNs / 1_000_000_000n);
  const createdAt = new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
  const wanted = [
    { name: attest.attributes['target'] || 'sbom', fileName: attest.wish.sbom!.fileName, keys: output.layers },
    // compat: a stage that asks to be looked through has an inventory of its own.
    ...attest.scans.map((step) => ({
      name: graph.steps[step]!.name,
      fileName: `sbom-step${step}.spdx.json`,
      keys: solved.layersOf(step),
    })),
  ];
  const made: Attestation[] = [];
  for (const { name, fileName, keys } of wanted) {
    const folders = layers.folders(keys);
    await using tree = stackTree({ folders, facts, helperProgram: runtime.helperProgram });
    const predicate = spdxDocument({ name, ...(await scan(tree)), createdAt });
    made.push({ predicateType: 'https://spdx.dev/Document', isInlineOnly: false, fileName, predicate });
  }
  return made;
}
