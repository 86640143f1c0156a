/**
 * An image as blobs: its manifest, or an index of manifests with their attestations, the way BuildKit lays them out.
 *
 * spec: image-spec, image-index.md; BuildKit's attestation storage: an attestation is a manifest of its own in the index, for
 * the platform `unknown/unknown`, and names the manifest it is about in its descriptor's annotations.
 */
import type { Digest } from '#base';
import type { ExportedManifest } from '#images';
import { type Descriptor, descriptorJson, mediaTypes, type Platform } from '#specs';
import { type Attestation, digestSet, IN_TOTO, packageUrl, statement } from '../attest/attestation.ts';
import { errors } from '../errors.ts';
import { annotationsFor, checkAnnotations } from './annotations.ts';
import type { Built, BuiltOutput } from './built.ts';
import type { ImageForm } from './export-wish.ts';

export interface RootImage {
  readonly config: Digest;
  readonly manifest: Descriptor;
  readonly platform: Platform;
}

export interface ImageRoot {
  /** With the platform where it is of one, and the annotations its descriptor has. */
  readonly descriptor: Descriptor;
  /** Its images, in the order of the outputs. */
  readonly images: readonly RootImage[];
  readonly isIndex: boolean;
}

const ARTIFACT = 'application/vnd.docker.attestation.manifest.v1+json';
const NOWHERE = { os: 'unknown', architecture: 'unknown' };

/** Throws `build.badAnnotation`, `build.needsOci`, and what packing throws. */
export async function imageRoot(built: Built, form: ImageForm): Promise<ImageRoot> {
  const { outputs } = built;
  const isOci = form.isOci ?? true;
  const attestations = new Map(outputs.map(({ platformId }) => [platformId, wanted(built, form, platformId)]));
  const hasIndex = isIndex(built, form);
  const platforms = outputs.map(({ platform }) => platform);
  checkAnnotations(form.annotations, { platforms, hasIndex, isOci });
  if (!isOci && [...attestations.values()].some((each) => each.length > 0)) throw errors.needsOci('attestations');
  const [first] = outputs;
  if (!hasIndex && first) {
    const { manifest, config } = await manifestOf(built, form, first);
    return {
      descriptor: { ...manifest, platform: first.platform },
      images: [{ config: config.digest, manifest, platform: first.platform }],
      isIndex: false,
    };
  }
  const manifests: Descriptor[] = [];
  const statements: Descriptor[] = [];
  const images: ImageRoot['images'][number][] = [];
  for (const output of outputs) {
    const { manifest, config } = await manifestOf(built, form, output);
    images.push({ config: config.digest, manifest, platform: output.platform });
    manifests.push({ ...manifest, platform: output.platform });
    const about = attestations.get(output.platformId)!;
    if (about.length > 0) statements.push(attestationManifest(built, form, { output, manifest, about }));
  }
  const annotations = annotationsFor(form.annotations, 'index');
  const mediaType = isOci ? mediaTypes.ociIndex : mediaTypes.dockerList;
  const all = [...manifests, ...statements];
  const document = {
    schemaVersion: 2,
    mediaType,
    manifests: all.map(descriptorJson),
    ...(annotations ? { annotations } : {}),
  };
  const index = built.exporter.put(
    json(document),
    mediaType,
    all.map(({ digest }) => digest),
  );
  const more = annotationsFor(form.annotations, 'index-descriptor');
  return { descriptor: { ...index, ...(more ? { annotations: more } : {}) }, images, isIndex: true };
}

/** Images as blobs, each form made once: what goes to the image store and to a registry is the same then. */
export class ImageRoots {
  readonly #built: Built;
  readonly #made = new Map<ImageForm, Promise<ImageRoot>>();

  constructor(built: Built) {
    this.#built = built;
  }

  /** Throws as `imageRoot`. */
  get(form: ImageForm): Promise<ImageRoot> {
    return this.#made.getOrInsertComputed(form, () => imageRoot(this.#built, form));
  }
}

/** Whether an image in this form is an index: it has several, was asked for as a list, or something is attested of it. */
export function isIndex(built: Built, form: ImageForm): boolean {
  return built.isList || built.outputs.some(({ platformId }) => wanted(built, form, platformId).length > 0);
}

/** compat: an archive has none that are for images in registries only, unless it is an index for another reason. */
function wanted({ attestations }: Built, form: ImageForm, platformId: string): readonly Attestation[] {
  const all = attestations.get(platformId) ?? [];
  return form.hasInlineAttestations ? all : all.filter(({ isInlineOnly }) => !isInlineOnly);
}

async function manifestOf(built: Built, form: ImageForm, output: BuiltOutput): Promise<ExportedManifest> {
  const { layers, config, platform, author, history } = output;
  const epochNs = form.epochNs ?? built.epochNs;
  const annotations = annotationsFor(form.annotations, 'manifest', platform);
  const inlineCache = built.inlineCache?.(layers);
  const made = await built.exporter.manifest({
    ...{ layers, config, platform, author, history },
    compression: form.compression,
    isOci: form.isOci ?? true,
    ...(epochNs === undefined ? {} : { epochNs }),
    ...(annotations ? { annotations } : {}),
    ...(inlineCache === undefined ? {} : { inlineCache }),
  });
  const more = annotationsFor(form.annotations, 'manifest-descriptor', platform);
  return { ...made, manifest: { ...made.manifest, ...(more ? { annotations: more } : {}) } };
}

interface About {
  readonly output: BuiltOutput;
  readonly manifest: Descriptor;
  readonly about: readonly Attestation[];
}

function attestationManifest({ exporter }: Built, form: ImageForm, { output, manifest, about }: About): Descriptor {
  const isArtifact = form.isOciArtifact ?? true;
  const subjects = form.names.map((name) => ({
    name: packageUrl(name, output.platform),
    digest: digestSet(manifest.digest),
  }));
  const layers = about.map((each) => {
    const blob = exporter.put(json(statement(each, subjects)), IN_TOTO);
    return { ...blob, annotations: { 'in-toto.io/predicate-type': each.predicateType } };
  });
  const empty = { architecture: NOWHERE.architecture, os: NOWHERE.os, config: {} };
  const rootfs = { type: 'layers', diff_ids: layers.map(({ digest }) => digest) };
  const config = isArtifact
    ? { ...exporter.put(Buffer.from('{}'), mediaTypes.ociEmpty), data: Buffer.from('{}').toString('base64') }
    : exporter.put(json({ ...empty, rootfs }), mediaTypes.ociConfig);
  const { mediaType, digest, size } = manifest;
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    ...(isArtifact ? { artifactType: ARTIFACT } : {}),
    config,
    layers,
    ...(isArtifact ? { subject: { mediaType, digest, size } } : {}),
  };
  const blob = exporter.put(
    json(document),
    mediaTypes.ociManifest,
    [config, ...layers].map((each) => each.digest),
  );
  return {
    ...blob,
    annotations: { 'vnd.docker.reference.digest': digest, 'vnd.docker.reference.type': 'attestation-manifest' },
    platform: NOWHERE,
  };
}

const json = (value: object): Buffer => Buffer.from(JSON.stringify(value));
