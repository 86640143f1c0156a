/** Media types of images: OCI's, and those of Docker's second schema. spec: image-spec, media-types.md. */

export const mediaTypes = {
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar',
  ociLayerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  ociLayerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  ociEmpty: 'application/vnd.oci.empty.v1+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar',
  dockerLayerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  dockerLayerZstd: 'application/vnd.docker.image.rootfs.diff.tar.zstd',
  dockerLayerForeign: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
  /** Docker's first schema, signed or not: obsolete, only known to be refused by name. */
  dockerSchema1: 'application/vnd.docker.distribution.manifest.v1+json',
  dockerSchema1Signed: 'application/vnd.docker.distribution.manifest.v1+prettyjws',
} as const;

/** What a client can read, best first: the Accept header of a request for a manifest. */
export const acceptedManifests: readonly string[] = [
  mediaTypes.ociIndex,
  mediaTypes.ociManifest,
  mediaTypes.dockerList,
  mediaTypes.dockerManifest,
];

export function isIndexType(mediaType: string): boolean {
  return mediaType === mediaTypes.ociIndex || mediaType === mediaTypes.dockerList;
}

export function isManifestType(mediaType: string): boolean {
  return mediaType === mediaTypes.ociManifest || mediaType === mediaTypes.dockerManifest;
}

export function isConfigType(mediaType: string): boolean {
  return mediaType === mediaTypes.ociConfig || mediaType === mediaTypes.dockerConfig;
}

/** A root file system layer that can be unpacked here, whatever its compression. */
export function isLayerType(mediaType: string): boolean {
  return (
    mediaType === mediaTypes.dockerLayer ||
    mediaType === mediaTypes.dockerLayerGzip ||
    /^application\/vnd\.docker\.image\.rootfs\.diff\.tar\.zstd$/.test(mediaType) ||
    /^application\/vnd\.oci\.image\.layer\.(?:nondistributable\.)?v1\.tar(?:\+(?:gzip|zstd))?$/.test(mediaType) ||
    isForeignLayerType(mediaType)
  );
}

/** Layers whose bytes a registry may not hold: they come from the descriptor's `urls` and are not pushed. */
export function isForeignLayerType(mediaType: string): boolean {
  return (
    mediaType === mediaTypes.dockerLayerForeign ||
    mediaType.startsWith('application/vnd.oci.image.layer.nondistributable.v1.tar')
  );
}
